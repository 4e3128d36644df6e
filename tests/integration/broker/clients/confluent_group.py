"""librdkafka through confluent-kafka against the bundled broker: an idempotent producer, a group whose members come
and go, a static member that returns, a cooperative group.

Usage: confluent_group.py BOOTSTRAP. Prints "ok" and exits with 0 when everything held.
"""
import sys
import time

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition, libversion
from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic

RECORDS = 3000
DEADLINE_S = 60


def produce(bootstrap, topic):
    failed = []
    producer = Producer({"bootstrap.servers": bootstrap, "enable.idempotence": True, "linger.ms": 2})
    for i in range(RECORDS):
        producer.produce(topic, b"v%d" % i, key=b"k%d" % (i % 50),
                         on_delivery=lambda error, _: failed.append(error) if error else None)
        producer.poll(0)
    assert producer.flush(DEADLINE_S) == 0 and not failed, failed


def member(bootstrap, group, topic, **more):
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": group, "auto.offset.reset": "earliest",
                         "enable.auto.commit": False, "session.timeout.ms": 6000, **more})
    consumer.subscribe([topic])
    return consumer


def drain(consumers, seen, until):
    end = time.monotonic() + DEADLINE_S
    while not until():
        assert time.monotonic() < end, "only %d records, assignments %s" % (
            len(seen), [len(c.assignment()) for c in consumers])
        for consumer in consumers:
            for message in consumer.consume(500, 0.05):
                assert not message.error(), message.error()
                seen.append((message.partition(), message.offset(), message.value()))


def commit(consumer):
    try:
        consumer.commit(asynchronous=False)
    except KafkaException as refused:
        if refused.args[0].code() != KafkaError._NO_OFFSET:  # it has read nothing
            raise


def groups(bootstrap, topic, group, **more):
    seen = []
    first = member(bootstrap, group, topic, **more)
    drain([first], seen, lambda: len(first.assignment()) == 12)
    drain([first], seen, lambda: len(seen) >= RECORDS)
    commit(first)
    second = member(bootstrap, group, topic, **more)
    drain([first, second], seen, lambda: len(first.assignment()) == 6 and len(second.assignment()) == 6)
    commit(second)
    second.close()
    drain([first], seen, lambda: len(first.assignment()) == 12)
    commit(first)
    first.close()
    assert len(seen) == RECORDS, "what was committed is not read again, but %d were read" % len(seen)
    assert {v for _, _, v in seen} == {b"v%d" % i for i in range(RECORDS)}


def static_member(bootstrap, topic):
    def open_member():
        return member(bootstrap, "static-" + topic, topic, **{"group.instance.id": "one"})
    seen = []
    first = open_member()
    drain([first], seen, lambda: len(first.assignment()) == 12)
    first.close()  # a static member does not leave by closing
    again = open_member()
    drain([again], seen, lambda: len(again.assignment()) == 12)
    again.close()


def main(bootstrap):
    topic = "rd-%d" % time.time_ns()
    admin = AdminClient({"bootstrap.servers": bootstrap})
    admin.create_topics([NewTopic(topic, 12, 1)])[topic].result(DEADLINE_S)
    produce(bootstrap, topic)
    groups(bootstrap, topic, "eager-" + topic)
    groups(bootstrap, topic, "cooperative-" + topic, **{"partition.assignment.strategy": "cooperative-sticky"})
    static_member(bootstrap, topic)
    resource = ConfigResource(ConfigResource.Type.TOPIC, topic)
    described = admin.describe_configs([resource])[resource].result(DEADLINE_S)
    assert described["max.message.bytes"].value == "1048588"
    assert len(described["outbox.topic.id"].value) == 36
    committed = Consumer({"bootstrap.servers": bootstrap, "group.id": "eager-" + topic}).committed(
        [TopicPartition(topic, p) for p in range(12)], DEADLINE_S)
    assert sum(p.offset for p in committed if p.offset > 0) == RECORDS, committed
    print("ok", libversion()[0])


main(sys.argv[1])
