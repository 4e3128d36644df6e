// kafkajs as an adapter: commands in, answers out. See ../README.md. Its codecs but gzip come from other packages.
"use strict";

const fs = require("fs");
const readline = require("readline");
const { Kafka, CompressionTypes, CompressionCodecs, PartitionAssigners, ConfigResourceTypes, logLevel } = require("kafkajs");
const lz4 = require("lz4js");
const snappy = require("kafkajs-snappy");
const zstd = require("@bokuweb/zstd-wasm");

const [bootstrap, eventsFile] = process.argv.slice(2);
const KEEP_TRYING = { initialRetryTime: 100, maxRetryTime: 1000, retries: 60 };
// stdout belongs to the answers
const logCreator = () => ({ namespace, log, label }) =>
  process.stderr.write(`${label} ${namespace} ${log.message} ${log.error || ""}\n`);
const kafka = new Kafka({ brokers: [bootstrap], retry: KEEP_TRYING, logLevel: logLevel.WARN, logCreator });
const admin = kafka.admin();
const members = new Map();

CompressionCodecs[CompressionTypes.Snappy] = snappy;
CompressionCodecs[CompressionTypes.LZ4] = () => ({
  compress: async (encoder) => Buffer.from(lz4.compress(encoder.buffer)),
  decompress: async (buffer) => Buffer.from(lz4.decompress(buffer)),
});
CompressionCodecs[CompressionTypes.ZSTD] = () => ({
  compress: async (encoder) => Buffer.from(zstd.compress(encoder.buffer, 3)),
  decompress: async (buffer) => Buffer.from(zstd.decompress(buffer)),
});

class Unsupported extends Error {}

const text = (octets) => (octets === null || octets === undefined ? null : octets.toString());

// kafkajs may give up when a connection breaks under a request; its user sends again, with the same sequence numbers.
async function sendUntilTaken(producer, batch) {
  for (let left = 100; ; left -= 1) {
    try {
      return await producer.send(batch);
    } catch (error) {
      if (!error.name.startsWith("KafkaJSConnection") || left === 0) throw error;
      await new Promise((done) => setTimeout(done, 100));
    }
  }
}

const commands = {
  async create_topic({ topic, partitions, configs }) {
    const configEntries = Object.entries(configs).map(([name, value]) => ({ name, value }));
    const made = await admin.createTopics({
      topics: [{ topic, numPartitions: partitions, replicationFactor: 1, configEntries }] });
    if (!made) throw Object.assign(new Error("exists"), { code: 36 }); // kafkajs says this much and no more
  },
  async delete_topic({ topic }) {
    const impatient = kafka.admin({ retry: { ...KEEP_TRYING, retries: 3 } }); // a topic that is unknown is tried again, too
    await impatient.connect();
    try {
      await impatient.deleteTopics({ topics: [topic] });
    } finally {
      await impatient.disconnect();
    }
  },
  async describe_topic({ topic }) {
    const metadata = await admin.fetchTopicMetadata({ topics: [topic] });
    return { partitions: metadata.topics[0].partitions.length };
  },
  async describe_cluster() {
    const cluster = await admin.describeCluster();
    return { nodes: cluster.brokers.map((broker) => broker.nodeId), controller: cluster.controller };
  },
  async describe_configs({ topic }) {
    const described = await admin.describeConfigs({
      includeSynonyms: false, resources: [{ type: ConfigResourceTypes.TOPIC, name: topic }] });
    const configs = {};
    for (const entry of described.resources[0].configEntries) configs[entry.configName] = entry.configValue;
    return { configs };
  },
  async alter_configs({ topic, configs }) {
    const configEntries = Object.entries(configs).map(([name, value]) => ({ name, value }));
    await admin.alterConfigs({
      validateOnly: false, resources: [{ type: ConfigResourceTypes.TOPIC, name: topic, configEntries }] });
  },
  async add_partitions({ topic, total }) {
    await admin.createPartitions({ topicPartitions: [{ topic, count: total }] });
  },
  async delete_records({ topic, partition, before }) {
    const fresh = kafka.admin(); // one that made the topic itself still believes that it has no partitions
    await fresh.connect();
    await fresh.fetchTopicOffsets(topic); // and a new one deletes only once it knows the topic from something else
    await fresh.deleteTopicRecords({ topic, partitions: [{ partition, offset: String(before) }] });
    await fresh.disconnect();
  },
  async produce({ topic, records, codec = "none", idempotent = false }) {
    const compression = { none: CompressionTypes.None, gzip: CompressionTypes.GZIP, snappy: CompressionTypes.Snappy,
      lz4: CompressionTypes.LZ4, zstd: CompressionTypes.ZSTD }[codec];
    const producer = kafka.producer({ idempotent, maxInFlightRequests: 1, retry: KEEP_TRYING });
    await producer.connect();
    // The answer names each partition's first offset only.
    const messages = records.map((record) => ({ ...record,
      headers: Object.fromEntries(record.headers || []), timestamp: record.timestamp && String(record.timestamp) }));
    const acknowledged = await sendUntilTaken(producer, { topic, acks: -1, compression, messages });
    await producer.disconnect();
    const next = new Map(acknowledged.map((a) => [a.partition, Number(a.baseOffset)]));
    const offsets = records.map(({ partition }) => {
      const offset = next.get(partition);
      next.set(partition, offset + 1);
      return [partition, offset];
    });
    return { offsets };
  },
  async fetch({ topic, partition, offset, count }) {
    const consumer = kafka.consumer({ groupId: `reader-${topic}-${partition}-${offset}`, retry: KEEP_TRYING });
    const records = [];
    await consumer.connect();
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
    await new Promise((done, failed) => {
      consumer.on(consumer.events.CRASH, ({ payload }) => failed(payload.error));
      consumer.run({ autoCommit: false, eachMessage: async ({ partition: at, message }) => {
        if (at !== partition || records.length === count) return;
        records.push({ offset: Number(message.offset), key: text(message.key), value: text(message.value),
          headers: Object.entries(message.headers || {}).map(([name, value]) => [name, text(value)]),
          timestamp: Number(message.timestamp) });
        if (records.length === count) done();
      } }).catch(failed);
      consumer.seek({ topic, partition, offset: String(offset) });
    });
    await consumer.disconnect();
    return { records };
  },
  async offsets({ topic, partition, at }) {
    if (at === "max_timestamp") throw new Unsupported("kafkajs knows no max timestamp");
    if (at === "earliest" || at === "latest") {
      const found = (await admin.fetchTopicOffsets(topic)).find((each) => each.partition === partition);
      return { offset: Number(at === "earliest" ? found.low : found.high) };
    }
    const found = (await admin.fetchTopicOffsetsByTimestamp(topic, at)).find((each) => each.partition === partition);
    return { offset: Number(found.offset) };
  },
  async join(command) {
    if (command.protocol === "cooperative" || command.instance) {
      throw new Unsupported("kafkajs has neither cooperative groups nor static members");
    }
    const member = new Member(command);
    members.set(command.member, member);
    await member.start();
  },
  async leave({ member }) {
    await members.get(member).leave();
    members.delete(member);
  },
  async list_groups() {
    return { groups: (await admin.listGroups()).groups.map((group) => group.groupId) };
  },
  async describe_group({ group }) {
    const described = (await admin.describeGroups([group])).groups[0];
    return { state: described.state, members: described.members.length };
  },
  async group_offsets({ group, topic }) {
    const [fetched] = await admin.fetchOffsets({ groupId: group, topics: [topic] });
    return { offsets: Object.fromEntries(fetched.partitions.map((p) => [p.partition, Number(p.offset)])) };
  },
  async delete_offsets() {
    throw new Unsupported("kafkajs has no delete offsets");
  },
  async delete_group({ group }) {
    await admin.deleteGroups([group]);
  },
};

class Member {
  constructor({ member, group, topic, session_ms }) {
    this.who = { group, member };
    this.topic = topic;
    this.owned = [];
    this.consumer = kafka.consumer({ groupId: group, sessionTimeout: session_ms, heartbeatInterval: 500,
      rebalanceTimeout: 30000, partitionAssigners: [PartitionAssigners.roundRobin], retry: KEEP_TRYING, maxWaitTimeInMs: 200 });
    const { GROUP_JOIN, REBALANCING } = this.consumer.events;
    this.consumer.on(GROUP_JOIN, ({ payload }) => {
      if (this.owned.length) this.moved("revoked"); // it joined again without having said REBALANCING
      this.owned = payload.memberAssignment[topic] || [];
      this.moved("assigned");
    });
    this.consumer.on(REBALANCING, () => {
      this.moved("revoked");
      this.owned = [];
    });
  }
  async start() {
    await this.consumer.connect();
    await this.consumer.subscribe({ topics: [this.topic], fromBeginning: true });
    await this.consumer.run({ autoCommit: false, eachBatch: (batch) => this.turn(batch) });
  }
  async leave() {
    await this.consumer.stop();
    this.write("left"); // it reads no more
    await this.consumer.disconnect();
  }
  async turn({ batch, isStale, isRunning, resolveOffset }) {
    if (isStale() || !isRunning() || !this.owned.includes(batch.partition)) return;
    const offsets = batch.messages.map((message) => Number(message.offset));
    if (!offsets.length) return;
    const end = offsets[offsets.length - 1] + 1;
    this.write("consumed", { partition: batch.partition, offsets });
    resolveOffset(String(end - 1));
    try {
      await this.consumer.commitOffsets([{ topic: this.topic, partition: batch.partition, offset: String(end) }]);
      this.write("committed_up_to", { offsets: { [batch.partition]: end } });
    } catch (refused) {
      this.write("commit_refused", { error: String(refused) });
    }
  }
  moved(event) {
    this.write(event, { partitions: this.owned });
  }
  write(event, more) {
    fs.appendFileSync(eventsFile, JSON.stringify({ event, ...this.who, ...more }) + "\n"); // one append
  }
}

function codeOf(error) {
  for (let at = error; at; at = at.cause || (at.groups && at.groups[0] && at.groups[0].error)) {
    if (typeof at.code === "number") return at.code;
    const inner = at.originalError || (at.errors && at.errors[0]) || (at.groups && at.groups[0]);
    if (inner && typeof inner.code === "number") return inner.code;
    if (inner && typeof inner.errorCode === "number") return inner.errorCode;
  }
  return -1;
}

async function main() {
  await zstd.init();
  await admin.connect();
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const { id, do: name, ...command } = JSON.parse(line);
    const answer = { id };
    try {
      answer.ok = (await commands[name](command)) || {};
    } catch (error) {
      if (error instanceof Unsupported) answer.unsupported = error.message;
      else Object.assign(answer, { error: codeOf(error), message: String(error) });
    }
    process.stdout.write(JSON.stringify(answer) + "\n");
  }
  process.exit(0);
}

main();
