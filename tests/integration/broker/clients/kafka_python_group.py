"""kafka-python against the bundled broker: produces, consumes in a group of two, commits, and comes back.

Usage: kafka_python_group.py BOOTSTRAP. Prints "ok" and exits with 0 when everything held.
"""
import sys
import threading
import time

import kafka
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient, NewTopic

RECORDS = 2000
PARTITIONS = 3
DEADLINE_S = 60


def produce(bootstrap, topic):
    options = {} if kafka.__version__.startswith("2.0") else {"enable_idempotence": True}
    producer = KafkaProducer(bootstrap_servers=bootstrap, acks="all", **options)
    sent = [producer.send(topic, key=b"k%d" % (i % 50), value=b"v%d" % i) for i in range(RECORDS)]
    for future in sent:
        future.get(timeout=DEADLINE_S)
    try:
        producer.send(topic, value=b"x" * 20_000).get(timeout=DEADLINE_S)
        raise SystemExit("a record beyond max.message.bytes was taken")
    except kafka.errors.MessageSizeTooLargeError:
        pass
    producer.close()


def consume(bootstrap, topic, seen, lock):
    consumer = KafkaConsumer(topic, bootstrap_servers=bootstrap, group_id="group-" + topic,
                             auto_offset_reset="earliest", enable_auto_commit=False)
    end = time.monotonic() + DEADLINE_S
    while time.monotonic() < end:
        for records in consumer.poll(timeout_ms=200).values():
            with lock:
                seen.extend((r.partition, r.offset, r.key, r.value) for r in records)
        consumer.commit()
        with lock:
            if len({(p, o) for p, o, _, _ in seen}) >= RECORDS:
                break
    consumer.close()


def main(bootstrap):
    topic = "clients-%d" % time.time_ns()
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    admin.create_topics([NewTopic(topic, PARTITIONS, 1, topic_configs={"max.message.bytes": "10000"})])
    produce(bootstrap, topic)
    seen, lock = [], threading.Lock()
    members = [threading.Thread(target=consume, args=(bootstrap, topic, seen, lock)) for _ in range(2)]
    for member in members:
        member.start()
    for member in members:
        member.join()
    values = {value for _, _, _, value in seen}
    assert values == {b"v%d" % i for i in range(RECORDS)}, "%d of %d values" % (len(values), RECORDS)
    for key in {key for _, _, key, _ in seen}:
        assert len({partition for partition, _, k, _ in seen if k == key}) == 1, "a key lies in one partition"
    again = KafkaConsumer(bootstrap_servers=bootstrap, group_id="group-" + topic)
    partitions = [TopicPartition(topic, p) for p in range(PARTITIONS)]
    committed = sum(again.committed(p) or 0 for p in partitions)
    assert committed == RECORDS, "committed %d of %d" % (committed, RECORDS)
    print("ok", kafka.__version__, len(seen))


main(sys.argv[1])
