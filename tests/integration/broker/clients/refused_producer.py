"""librdkafka's idempotent producer against a broker whose room ends again and again, and comes back as a group commits
and retention takes what it has read. Nothing may be lost, doubled, out of order, or end in a producer's error.

Usage: refused_producer.py BOOTSTRAP HEALTH, both HOST:PORT. Prints what was seen and exits with 0 when everything held.
"""
import collections
import re
import sys
import threading
import time
import urllib.request

from confluent_kafka import Consumer, Producer, TopicPartition, libversion
from confluent_kafka.admin import AdminClient, NewTopic

PARTITIONS = 3
RECORDS = 30000
VALUE_BYTES = 1000
PORTION = 2000
DEADLINE_S = 150


def refused(health):
    with urllib.request.urlopen("http://%s/metrics" % health, timeout=5) as page:
        text = page.read().decode()
    return int(re.search(r"^broker_produce_refused_total (\d+)$", text, re.M).group(1))


class Reader(threading.Thread):
    """Whenever the room has ended, reads a portion and commits, so that there is some again."""

    def __init__(self, bootstrap, health, topic):
        super().__init__(daemon=True)
        self.consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "g", "auto.offset.reset": "error",
                                  "enable.auto.commit": False, "fetch.wait.max.ms": 100})
        self.consumer.assign([TopicPartition(topic, p, 0) for p in range(PARTITIONS)])
        self.seen = collections.defaultdict(list)
        self.count = 0
        self.error = None
        self.health = health
        self.all_sent = threading.Event()

    def wait_for_refusal(self, seen):
        while True:
            now = refused(self.health)
            if now > seen or self.all_sent.wait(0.02):
                return now

    def run(self):
        end = time.monotonic() + DEADLINE_S
        refusals = 0
        while self.count < RECORDS and time.monotonic() < end:
            refusals = self.wait_for_refusal(refusals)
            until = min(self.count + PORTION, RECORDS)
            while self.count < until and time.monotonic() < end:
                for message in self.consumer.consume(until - self.count, 0.2):
                    if message.error():
                        self.error = message.error()
                        return
                    self.seen[message.partition()].append(int(message.value().split(b":")[0]))
                    self.count += 1
            self.consumer.commit(asynchronous=False)


def main(bootstrap, health):
    topic = "refused"
    admin = AdminClient({"bootstrap.servers": bootstrap})
    admin.create_topics([NewTopic(topic, PARTITIONS, 1, config={"retention.ms": "200"})])[topic].result(30)
    errors = []
    producer = Producer({"bootstrap.servers": bootstrap, "enable.idempotence": True, "linger.ms": 1,
                         "max.in.flight.requests.per.connection": 5, "batch.size": 32768,
                         "error_cb": errors.append})
    reader = Reader(bootstrap, health, topic)
    reader.start()
    failed = []
    sent = collections.defaultdict(list)
    for i in range(RECORDS):
        partition = i % PARTITIONS
        sent[partition].append(i)
        value = (b"%d:" % i).ljust(VALUE_BYTES, b".")
        while True:
            try:
                producer.produce(topic, value, partition=partition,
                                 on_delivery=lambda error, _: failed.append(error) if error else None)
                break
            except BufferError:
                producer.poll(0.1)
        producer.poll(0)
    left = producer.flush(DEADLINE_S)
    reader.all_sent.set()
    reader.join(DEADLINE_S)
    print("librdkafka", libversion()[0], "sent", RECORDS, "failed", len(failed), "unsent", left, "read", reader.count, "refusals", refused(health))
    assert left == 0 and not failed, failed[:3]
    assert not [e for e in errors if e.fatal()], errors
    assert reader.error is None, reader.error
    for partition in range(PARTITIONS):
        assert reader.seen[partition] == sent[partition], "partition %d: lost, doubled or out of order" % partition
    print("ok")


main(sys.argv[1], sys.argv[2])
