"""aiokafka: everything on one event loop in a thread of its own, so that commands may wait while members poll."""

import asyncio
import contextlib
import sys
import threading

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic, RecordsToDelete
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.errors import KafkaError

from loop import Events, Refused, Unsupported, serve

WAIT_S = 100


class Client:
    """The loop's other side: each command becomes a coroutine of `Commands`, waited for."""

    def __init__(self, bootstrap: str, events: str):
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        self._commands = Commands(bootstrap, events)

    def __getattr__(self, name):
        method = getattr(self._commands, name)
        return lambda **arguments: asyncio.run_coroutine_threadsafe(method(**arguments), self._loop).result()


class Commands:
    def __init__(self, bootstrap, events):
        self._servers = {"bootstrap_servers": bootstrap}
        self._events = events
        self._started_admin = None
        self._members = {}

    async def _admin(self):
        if self._started_admin is None:
            admin = AIOKafkaAdminClient(**self._servers)
            await admin.start()
            self._started_admin = admin
        return self._started_admin

    async def create_topic(self, topic, partitions, configs):
        answer = await (await self._admin()).create_topics([NewTopic(topic, partitions, 1, topic_configs=configs)])
        expect_none(answer.topic_errors)

    async def delete_topic(self, topic):
        expect_none((await (await self._admin()).delete_topics([topic])).topic_error_codes)

    async def describe_topic(self, topic):
        return {"partitions": len((await (await self._admin()).describe_topics([topic]))[0]["partitions"])}

    async def describe_cluster(self):
        cluster = await (await self._admin()).describe_cluster()
        return {"nodes": [node["node_id"] for node in cluster["brokers"]], "controller": cluster["controller_id"]}

    async def describe_configs(self, topic):
        (answer,) = await (await self._admin()).describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
        return {"configs": {entry[0]: entry[1] for entry in answer.resources[0][4]}}

    async def alter_configs(self, topic, configs):
        resource = ConfigResource(ConfigResourceType.TOPIC, topic, configs)
        (answer,) = await (await self._admin()).alter_configs([resource])
        expect_none([("", *entry[:2]) for entry in answer.resources])

    async def add_partitions(self, topic, total):
        await (await self._admin()).create_partitions({topic: NewPartitions(total)})

    async def delete_records(self, topic, partition, before):
        where = TopicPartition(topic, partition)
        await (await self._admin()).delete_records({where: RecordsToDelete(before)})

    async def produce(self, topic, records, codec="none", idempotent=False):
        producer = AIOKafkaProducer(**self._servers, acks="all", enable_idempotence=idempotent, linger_ms=5,
                                    compression_type=None if codec == "none" else codec,
                                    request_timeout_ms=WAIT_S * 1000)
        await producer.start()
        try:
            sent = [await producer.send(topic, value=octets(r["value"]), key=octets(r["key"]),
                                        partition=r["partition"], timestamp_ms=r.get("timestamp"),
                                        headers=[(name, octets(value)) for name, value in r.get("headers", [])])
                    for r in records]
            done = [await future for future in sent]
        finally:
            await producer.stop()
        return {"offsets": [[metadata.partition, metadata.offset] for metadata in done]}

    async def fetch(self, topic, partition, offset, count):
        consumer = AIOKafkaConsumer(**self._servers, auto_offset_reset="earliest")
        await consumer.start()
        try:
            where = TopicPartition(topic, partition)
            consumer.assign([where])
            consumer.seek(where, offset)
            records = [await asyncio.wait_for(consumer.getone(), WAIT_S) for _ in range(count)]
        finally:
            await stop_reading(consumer)
        return {"records": [{"offset": r.offset, "key": text(r.key), "value": text(r.value), "timestamp": r.timestamp,
                             "headers": [[name, text(value)] for name, value in r.headers]} for r in records]}

    async def offsets(self, topic, partition, at):
        if at == "max_timestamp":
            raise Unsupported("aiokafka knows no max timestamp")
        where = TopicPartition(topic, partition)
        consumer = AIOKafkaConsumer(**self._servers)
        await consumer.start()
        try:
            if at in ("earliest", "latest"):
                ask = consumer.beginning_offsets if at == "earliest" else consumer.end_offsets
                return {"offset": (await ask([where]))[where]}
            found = (await consumer.offsets_for_times({where: at}))[where]
            return {"offset": -1 if found is None else found.offset}
        finally:
            await stop_reading(consumer)

    async def join(self, member, group, topic, protocol, session_ms, instance=None):
        if protocol == "cooperative":
            raise Unsupported("aiokafka has no cooperative groups")
        events = Events(self._events, group, member)
        consumer = AIOKafkaConsumer(
            **self._servers, group_id=group, client_id=member, auto_offset_reset="earliest", enable_auto_commit=False,
            session_timeout_ms=session_ms, heartbeat_interval_ms=1000, group_instance_id=instance,
            partition_assignment_strategy=[RangePartitionAssignor])
        consumer.subscribe([topic], listener=Listener(events))
        await consumer.start()
        self._members[member] = Member(consumer, events)

    async def leave(self, member):
        await self._members.pop(member).leave()

    async def list_groups(self):
        return {"groups": [group for group, *_ in await (await self._admin()).list_consumer_groups()]}

    async def describe_group(self, group):
        (answer,) = await (await self._admin()).describe_consumer_groups([group])
        code, _, state, _, _, members, *_ = answer.groups[0]
        if code:
            raise Refused(code)
        return {"state": state, "members": len(members)}

    async def group_offsets(self, group, topic):
        offsets = await (await self._admin()).list_consumer_group_offsets(group)
        return {"offsets": {p.partition: o.offset for p, o in offsets.items() if p.topic == topic}}

    async def delete_offsets(self, **_):
        raise Unsupported("aiokafka has no delete offsets")

    async def delete_group(self, group):
        raise Unsupported("aiokafka has no delete group")


class Listener(ConsumerRebalanceListener):
    def __init__(self, events):
        self._events = events

    async def on_partitions_revoked(self, revoked):
        self._events("revoked", partitions=[p.partition for p in revoked])

    async def on_partitions_assigned(self, assigned):
        self._events("assigned", partitions=[p.partition for p in assigned])


class Member:
    def __init__(self, consumer, events):
        self._consumer, self._events = consumer, events
        self._leaving = False
        self._task = asyncio.create_task(self._run())

    async def leave(self):
        self._leaving = True
        await self._task
        self._events("left")
        try:
            await self._consumer.stop()  # leaves the group, then ends its fetches
        except asyncio.CancelledError:
            print("stop: a fetch of aiokafka's was waiting to be tried again", file=sys.stderr)  # and this escapes it

    async def _run(self):
        while not self._leaving:
            try:
                await self._turn()
            except KafkaError as error:  # the member stays; what it then misses, the checker finds
                print("poll:", repr(error), file=sys.stderr)

    async def _turn(self):
        batches = await self._consumer.getmany(timeout_ms=100)
        for where, records in batches.items():
            self._events("consumed", partition=where.partition, offsets=[r.offset for r in records])
        ends = {where: records[-1].offset + 1 for where, records in batches.items()}
        if not ends:
            return
        try:
            await self._consumer.commit(ends)
            self._events("committed_up_to", offsets={where.partition: end for where, end in ends.items()})
        except KafkaError as refused:
            self._events("commit_refused", error=repr(refused))


async def stop_reading(consumer):
    """aiokafka's stop may raise what it cancelled itself: a task that had not begun, or waited to be tried again."""
    with contextlib.suppress(asyncio.CancelledError):
        await consumer.stop()


def expect_none(errors):
    for _, code, *_ in errors:
        if code:
            raise Refused(code)


def octets(words):
    return None if words is None else words.encode()


def text(data):
    return None if data is None else data.decode()


def code_of(error):
    return getattr(error, "errno", -1)


if __name__ == "__main__":
    serve(Client(*sys.argv[1:]), code_of)
