"""librdkafka's administration through confluent-kafka against the bundled broker: topics are created, described,
altered, grown, deleted, and made anew while a consumer reads.

Usage: confluent_admin.py BOOTSTRAP. Prints "ok" and exits with 0 when everything held.
"""
import sys
import time

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, libversion
from confluent_kafka.admin import AdminClient, ConfigResource, NewPartitions, NewTopic

DEADLINE_S = 60


def outcome(futures):
    (future,) = futures.values()
    return future.result(DEADLINE_S)


def refused(futures, code):
    """The sentence that came with the error."""
    try:
        outcome(futures)
    except KafkaException as refusal:
        assert refusal.args[0].code() == code, refusal
        return refusal.args[0].str()
    raise AssertionError("not refused")


def configs(admin, kind, name):
    described = outcome(admin.describe_configs([ConfigResource(kind, name)]))
    return {key: entry.value for key, entry in described.items()}


def topics_and_settings(admin, topic):
    outcome(admin.create_topics([NewTopic(topic, 3, 1, config={"retention.ms": "1000"})], validate_only=True))
    assert topic not in admin.list_topics(timeout=DEADLINE_S).topics
    outcome(admin.create_topics([NewTopic(topic, 3, 1, config={"retention.ms": "1000"})]))
    assert "exists" in refused(admin.create_topics([NewTopic(topic, 3, 1)]), KafkaError.TOPIC_ALREADY_EXISTS)
    compacted = NewTopic(topic + "-c", 1, 1, config={"cleanup.policy": "compact"})
    assert "compact" in refused(admin.create_topics([compacted]), KafkaError.INVALID_CONFIG)
    assert "one broker" in refused(admin.create_topics([NewTopic(topic + "-r", 1, 3)]),
                                   KafkaError.INVALID_REPLICATION_FACTOR)

    assert configs(admin, ConfigResource.Type.TOPIC, topic)["retention.ms"] == "1000"
    assert configs(admin, ConfigResource.Type.BROKER, "1")["num.partitions"] == "12"
    resource = ConfigResource(ConfigResource.Type.TOPIC, topic, set_config={"max.message.bytes": "20000"})
    outcome(admin.alter_configs([resource]))
    altered = configs(admin, ConfigResource.Type.TOPIC, topic)
    assert altered["max.message.bytes"] == "20000" and altered["retention.ms"] == "604800000", altered
    wrong = ConfigResource(ConfigResource.Type.TOPIC, topic, set_config={"max.message.bytes": "many"})
    assert "max.message.bytes" in refused(admin.alter_configs([wrong]), KafkaError.INVALID_CONFIG)

    outcome(admin.create_partitions([NewPartitions(topic, 5)]))
    assert len(admin.list_topics(topic, timeout=DEADLINE_S).topics[topic].partitions) == 5
    assert "only grows" in refused(admin.create_partitions([NewPartitions(topic, 4)]), KafkaError.INVALID_PARTITIONS)


def produce(bootstrap, topic, values):
    failed = []
    producer = Producer({"bootstrap.servers": bootstrap})
    for value in values:
        producer.produce(topic, value, partition=0, on_delivery=lambda e, _: failed.append(e) if e else None)
    assert producer.flush(DEADLINE_S) == 0 and not failed, failed


def read(consumer, seen, count):
    """Errors are the topic's that is gone for a while: the consumer reads on by itself."""
    end = time.monotonic() + DEADLINE_S
    while len(seen) < count:
        assert time.monotonic() < end, "read %s" % seen
        message = consumer.poll(0.1)
        if message is not None and not message.error():
            seen.append(message.value())


def made_anew_under_a_consumer(admin, bootstrap, topic):
    outcome(admin.create_topics([NewTopic(topic, 1, 1)]))
    first = [b"old%d" % i for i in range(3)]
    second = [b"new%d" % i for i in range(9)]
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "reader", "auto.offset.reset": "earliest"})
    consumer.subscribe([topic])
    produce(bootstrap, topic, first)
    seen = []
    read(consumer, seen, len(first))
    consumer.commit(asynchronous=False)
    outcome(admin.delete_topics([topic]))
    outcome(admin.create_topics([NewTopic(topic, 1, 1)]))
    produce(bootstrap, topic, second)
    read(consumer, seen, len(first) + len(second))
    assert seen == first + second, seen
    consumer.close()


def main(bootstrap):
    topic = "admin-%d" % time.time_ns()
    admin = AdminClient({"bootstrap.servers": bootstrap})
    topics_and_settings(admin, topic)
    made_anew_under_a_consumer(admin, bootstrap, topic + "-anew")
    outcome(admin.delete_topics([topic]))
    assert topic not in admin.list_topics(timeout=DEADLINE_S).topics
    refused(admin.delete_topics([topic]), KafkaError.UNKNOWN_TOPIC_OR_PART)
    print("ok", libversion()[0])


main(sys.argv[1])
