"""librdkafka through confluent-kafka: Debian's 1.7 on librdkafka 2.0.2, and the newest wheel with its own librdkafka."""

import os
import sys

import confluent_kafka
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka import admin as kafka_admin
from confluent_kafka.admin import AdminClient, ConfigResource, NewPartitions, NewTopic

from loop import Events, Poller, Refused, Unsupported, serve

WAIT_S = 100


class Client:
    def __init__(self, bootstrap: str, events: str):
        self._servers = {"bootstrap.servers": bootstrap, "client.id": os.environ.get("CLIENT_ID", "rdkafka")}
        self._events = events
        self._admin = AdminClient(self._servers)
        self._members = {}

    # Topics and the cluster

    def create_topic(self, topic, partitions, configs):
        self._admin.create_topics([NewTopic(topic, partitions, 1, config=configs)])[topic].result(WAIT_S)

    def delete_topic(self, topic):
        self._admin.delete_topics([topic])[topic].result(WAIT_S)

    def describe_topic(self, topic):
        return {"partitions": len(self._admin.list_topics(topic, WAIT_S).topics[topic].partitions)}

    def describe_cluster(self):
        if hasattr(self._admin, "describe_cluster"):
            described = self._admin.describe_cluster().result(WAIT_S)
            return {"nodes": [node.id for node in described.nodes], "controller": described.controller.id}
        metadata = self._admin.list_topics(timeout=WAIT_S)
        return {"nodes": list(metadata.brokers), "controller": metadata.controller_id}

    def describe_configs(self, topic):
        resource = ConfigResource(ConfigResource.Type.TOPIC, topic)
        described = self._admin.describe_configs([resource])[resource].result(WAIT_S)
        return {"configs": {name: entry.value for name, entry in described.items()}}

    def alter_configs(self, topic, configs):
        if not hasattr(self._admin, "incremental_alter_configs"):
            resource = ConfigResource(ConfigResource.Type.TOPIC, topic, set_config=configs)
            self._admin.alter_configs([resource])[resource].result(WAIT_S)
            return
        entries = [kafka_admin.ConfigEntry(name, value,
                                           incremental_operation=kafka_admin.AlterConfigOpType.SET)
                   for name, value in configs.items()]
        resource = ConfigResource(ConfigResource.Type.TOPIC, topic, incremental_configs=entries)
        self._admin.incremental_alter_configs([resource])[resource].result(WAIT_S)

    def add_partitions(self, topic, total):
        self._admin.create_partitions([NewPartitions(topic, total)])[topic].result(WAIT_S)

    def delete_records(self, topic, partition, before):
        self._need("delete_records")
        where = TopicPartition(topic, partition, before)
        return {"low": self._admin.delete_records([where])[where].result(WAIT_S).low_watermark}

    # Records

    def produce(self, topic, records, codec="none", idempotent=False):
        offsets, failed = {}, []

        def delivered(number):
            def note(error, message):
                if error:
                    failed.append(error)
                else:
                    offsets[number] = [message.partition(), message.offset()]
            return note
        producer = Producer({**self._servers, "compression.type": codec, "enable.idempotence": idempotent,
                             "message.timeout.ms": WAIT_S * 1000, "linger.ms": 5})
        for number, record in enumerate(records):
            more = {"timestamp": record["timestamp"]} if "timestamp" in record else {}
            producer.produce(topic, value=record["value"], key=record["key"], partition=record["partition"],
                             headers=[tuple(h) for h in record.get("headers", [])], on_delivery=delivered(number),
                             **more)
            producer.poll(0)
        left = producer.flush(WAIT_S)
        if failed or left:
            raise Refused(failed[0].code() if failed else -1, str(failed[:1]))
        return {"offsets": [offsets[number] for number in range(len(records))]}

    def fetch(self, topic, partition, offset, count):
        consumer = Consumer({**self._servers, "group.id": "reader", "enable.auto.commit": False,
                             "auto.offset.reset": "earliest"})
        consumer.assign([TopicPartition(topic, partition, offset)])
        messages = []
        while len(messages) < count:
            message = consumer.poll(WAIT_S)
            if message is None or message.error():
                raise Refused(message.error().code() if message else -1, "fetch")
            messages.append(message)
        consumer.close()
        return {"records": [{"offset": m.offset(), "key": text(m.key()), "value": text(m.value()),
                             "headers": [[name, text(value)] for name, value in m.headers() or []],
                             "timestamp": m.timestamp()[1]} for m in messages]}

    def offsets(self, topic, partition, at):
        if at == "max_timestamp":
            self._need("list_offsets")
            where = TopicPartition(topic, partition)
            asked = self._admin.list_offsets({where: kafka_admin.OffsetSpec.max_timestamp()})
            return {"offset": asked[where].result(WAIT_S).offset}
        consumer = Consumer({**self._servers, "group.id": "reader"})
        try:
            if at in ("earliest", "latest"):
                low, high = consumer.get_watermark_offsets(TopicPartition(topic, partition), WAIT_S)
                return {"offset": low if at == "earliest" else high}
            return {"offset": consumer.offsets_for_times([TopicPartition(topic, partition, at)], WAIT_S)[0].offset}
        finally:
            consumer.close()

    # Groups

    def join(self, member, group, topic, protocol, session_ms, instance=None):
        events = Events(self._events, group, member)
        consumer = Consumer({
            **self._servers, "group.id": group, "client.id": member, "auto.offset.reset": "earliest",
            "enable.auto.commit": False, "session.timeout.ms": session_ms,
            "heartbeat.interval.ms": 1000,
            "partition.assignment.strategy": "cooperative-sticky" if protocol == "cooperative" else "range",
            **({"group.instance.id": instance} if instance else {})})

        def event(name):
            return lambda _, partitions: events(name, partitions=[p.partition for p in partitions])
        more = {} if confluent_kafka.version()[0] == "1.7.0" else {"on_lost": event("lost")}
        consumer.subscribe([topic], on_assign=event("assigned"), on_revoke=event("revoked"), **more)
        self._members[member] = Poller(lambda: turn(consumer, events), consumer.close, events)

    def leave(self, member):
        self._members.pop(member).leave()

    def list_groups(self):
        if not hasattr(self._admin, "list_consumer_groups"):
            return {"groups": [group.id for group in self._admin.list_groups(timeout=WAIT_S)]}
        return {"groups": [g.group_id for g in self._admin.list_consumer_groups().result(WAIT_S).valid]}

    def describe_group(self, group):
        if not hasattr(self._admin, "describe_consumer_groups"):
            described = self._admin.list_groups(group, WAIT_S)[0]
            return {"state": described.state, "members": len(described.members)}
        described = self._admin.describe_consumer_groups([group])[group].result(WAIT_S)
        return {"state": described.state.name, "members": len(described.members)}

    def group_offsets(self, group, topic):
        consumer = Consumer({**self._servers, "group.id": group})
        partitions = self._admin.list_topics(topic, WAIT_S).topics[topic].partitions
        committed = consumer.committed([TopicPartition(topic, p) for p in partitions], WAIT_S)
        consumer.close()
        return {"offsets": {p.partition: p.offset for p in committed}}

    def delete_group(self, group):
        self._need("delete_consumer_groups")
        self._admin.delete_consumer_groups([group])[group].result(WAIT_S)

    def _need(self, method):
        if not hasattr(self._admin, method):
            raise Unsupported(f"confluent-kafka {confluent_kafka.version()[0]} has no {method}")


def turn(consumer, events):
    """One poll; what was read is told, then committed."""
    messages = [m for m in consumer.consume(500, 0.1) if not m.error()]
    read = {}
    for message in messages:
        read.setdefault(message.partition(), []).append(message.offset())
    if not read:
        return
    for partition, offsets in read.items():
        events("consumed", partition=partition, offsets=offsets)
    topic = messages[0].topic()
    try:
        consumer.commit(offsets=[TopicPartition(topic, p, o[-1] + 1) for p, o in read.items()], asynchronous=False)
        events("committed_up_to", offsets={p: o[-1] + 1 for p, o in read.items()})
    except KafkaException as refused:
        events("commit_refused", error=str(refused))


def text(octets):
    return None if octets is None else octets.decode()


def code_of(error):
    return error.args[0].code() if isinstance(error, KafkaException) else -1


if __name__ == "__main__":
    serve(Client(*sys.argv[1:]), code_of)
