"""kafka-python, 3.0 and 2.0 alike; administration, which has changed between them, is in kafka_python_admin.py."""

import sys

import kafka
from kafka import ConsumerRebalanceListener, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.coordinator.assignors.range import RangePartitionAssignor
from kafka.structs import OffsetAndMetadata

from kafka_python_admin import Admin2, Admin3
from loop import Events, Poller, Unsupported, serve

WAIT_S = 100
OLD = kafka.__version__.startswith("2.0")


class Client(Admin2 if OLD else Admin3):
    def __init__(self, bootstrap: str, events: str):
        super().__init__(bootstrap)
        self._bootstrap, self._events = bootstrap, events
        self._members = {}

    def produce(self, topic, records, codec="none", idempotent=False):
        if idempotent and OLD:
            raise Unsupported("kafka-python 2.0 has no idempotent producer")
        producer = KafkaProducer(
            bootstrap_servers=self._bootstrap, acks="all", retries=1000, linger_ms=5, request_timeout_ms=WAIT_S * 1000,
            compression_type=None if codec == "none" else codec, **({} if OLD else {"enable_idempotence": idempotent}),
            **({"max_in_flight_requests_per_connection": 1} if OLD else {}))
        sent = [producer.send(topic, value=octets(r["value"]), key=octets(r["key"]), partition=r["partition"],
                              headers=[(name, octets(value)) for name, value in r.get("headers", [])],
                              timestamp_ms=r.get("timestamp"))
                for r in records]
        done = [future.get(timeout=WAIT_S) for future in sent]
        producer.close()
        return {"offsets": [[metadata.partition, metadata.offset] for metadata in done]}

    def fetch(self, topic, partition, offset, count):
        consumer = KafkaConsumer(bootstrap_servers=self._bootstrap, group_id=None, auto_offset_reset="earliest",
                                 consumer_timeout_ms=WAIT_S * 1000)
        where = TopicPartition(topic, partition)
        consumer.assign([where])
        consumer.seek(where, offset)
        records = [record for _, record in zip(range(count), consumer)]
        consumer.close()
        return {"records": [{"offset": r.offset, "key": text(r.key), "value": text(r.value), "timestamp": r.timestamp,
                             "headers": [[name, text(value)] for name, value in r.headers]} for r in records]}

    def offsets(self, topic, partition, at):
        where = TopicPartition(topic, partition)
        if at == "max_timestamp":
            return {"offset": self.max_timestamp_offset(where)}
        consumer = KafkaConsumer(bootstrap_servers=self._bootstrap)
        try:
            if at == "earliest":
                return {"offset": consumer.beginning_offsets([where])[where]}
            if at == "latest":
                return {"offset": consumer.end_offsets([where])[where]}
            found = consumer.offsets_for_times({where: at})[where]
            return {"offset": -1 if found is None else found.offset}
        finally:
            consumer.close()

    def join(self, member, group, topic, protocol, session_ms, instance=None):
        events = Events(self._events, group, member)
        more = {}
        if protocol == "cooperative" or instance:
            if OLD:
                raise Unsupported("kafka-python 2.0 has neither cooperative groups nor static members")
            more = {"group_instance_id": instance} if instance else {}
        strategy = RangePartitionAssignor
        if protocol == "cooperative":
            from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor as strategy
        consumer = KafkaConsumer(
            bootstrap_servers=self._bootstrap, group_id=group, client_id=member, auto_offset_reset="earliest",
            enable_auto_commit=False, session_timeout_ms=session_ms, heartbeat_interval_ms=1000,
            partition_assignment_strategy=[strategy], **more)
        consumer.subscribe([topic], listener=Listener(events))
        self._members[member] = Poller(lambda: turn(consumer, topic, events), consumer.close, events)

    def leave(self, member):
        self._members.pop(member).leave()


class Listener(ConsumerRebalanceListener):
    def __init__(self, events):
        self._events = events

    def on_partitions_assigned(self, assigned):
        self._events("assigned", partitions=[p.partition for p in assigned])

    def on_partitions_revoked(self, revoked):
        self._events("revoked", partitions=[p.partition for p in revoked])

    def on_partitions_lost(self, lost):
        self._events("lost", partitions=[p.partition for p in lost])


def turn(consumer, topic, events):
    """One poll; what was read is told, then committed."""
    read = {where: [r.offset for r in records] for where, records in consumer.poll(timeout_ms=100).items()}
    if not read:
        return
    for where, offsets in read.items():
        events("consumed", partition=where.partition, offsets=offsets)
    ends = {where: offsets[-1] + 1 for where, offsets in read.items()}
    try:
        consumer.commit({where: OffsetAndMetadata(end, "", *([] if OLD else [-1])) for where, end in ends.items()})
        events("committed_up_to", offsets={where.partition: end for where, end in ends.items()})
    except kafka.errors.KafkaError as refused:
        events("commit_refused", error=repr(refused))


def octets(words):
    return None if words is None else words.encode()


def text(data):
    return None if data is None else data.decode()


def code_of(error):
    return getattr(error, "errno", -1)


if __name__ == "__main__":
    serve(Client(*sys.argv[1:]), code_of)
