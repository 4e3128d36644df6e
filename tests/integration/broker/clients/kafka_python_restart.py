"""A group of three kafka-python consumers whose broker is killed and started again: nobody may notice but for the pause.

Usage: kafka_python_restart.py BOOTSTRAP FOLDER. Says "stable" in FOLDER/stable-1 when the broker may be killed, and waits
for FOLDER/restarted-1, whose text is the time at which it was ready again. Prints what it measured, then "ok".
"""
import os
import sys
import threading
import time

import kafka
from kafka import ConsumerRebalanceListener, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient, NewTopic

TOPIC = "restart"
GROUP = "restart"
PARTITIONS = 6
MEMBERS = 3
DEADLINE_S = 120
SESSION_MS = 45000  # these clients come back up to tens of seconds after their broker did


class Counter(ConsumerRebalanceListener):
    def __init__(self):
        self.calls = []

    def on_partitions_revoked(self, revoked):
        self.calls.append(("revoke", len(revoked)))

    def on_partitions_assigned(self, assigned):
        self.calls.append(("assign", len(assigned)))


class Member(threading.Thread):
    """Polls in a thread of its own, as kafka-python wants it; commits when asked to."""

    def __init__(self, bootstrap, number):
        super().__init__(daemon=True)
        self.counter = Counter()
        self.consumer = KafkaConsumer(bootstrap_servers=bootstrap, group_id=GROUP, auto_offset_reset="earliest",
                                      enable_auto_commit=False, session_timeout_ms=SESSION_MS, heartbeat_interval_ms=500,
                                      client_id="member-%d" % number)
        self.consumer.subscribe([TOPIC], listener=self.counter)
        self.assigned = 0
        self.read = 0
        self.came = 0.0
        self.failed = None
        self.wants_commit = threading.Event()
        self.committed = {}
        self.stopped = threading.Event()

    def run(self):
        try:
            while not self.stopped.is_set():
                records = self.consumer.poll(timeout_ms=50)
                self.assigned = len(self.consumer.assignment())
                if records:
                    self.read += sum(len(some) for some in records.values())
                    self.came = time.time()
                if self.wants_commit.is_set():
                    self.consumer.commit()
                    self.committed = {p.partition: self.consumer.committed(p) for p in self.consumer.assignment()}
                    self.wants_commit.clear()
            self.consumer.close()
        except Exception as failure:  # told by wait()
            self.failed = failure

    def commit(self, members):
        self.wants_commit.set()
        wait(members, lambda: not self.wants_commit.is_set())
        return self.committed


def wait(members, holds):
    end = time.monotonic() + DEADLINE_S
    while not holds():
        for member in members:
            if member.failed:
                raise member.failed
        assert time.monotonic() < end, [(m.read, m.assigned, m.counter.calls) for m in members]
        time.sleep(0.02)


def stream(bootstrap, stopped):
    producer = KafkaProducer(bootstrap_servers=bootstrap, retries=100)
    number = 0
    while not stopped.wait(0.02):
        producer.send(TOPIC, b"%d" % number, partition=number % PARTITIONS)
        number += 1
    producer.close(5)


def main(bootstrap, folder):
    KafkaAdminClient(bootstrap_servers=bootstrap).create_topics([NewTopic(TOPIC, PARTITIONS, 1)])
    stopped = threading.Event()
    producing = threading.Thread(target=stream, args=(bootstrap, stopped), daemon=True)
    producing.start()
    members = [Member(bootstrap, i) for i in range(MEMBERS)]
    for member in members:
        member.start()
    wait(members, lambda: all(m.assigned == PARTITIONS // MEMBERS and m.read > 0 for m in members))
    known = {}
    for member in members:
        known.update(member.commit(members))
    assert sorted(known) == list(range(PARTITIONS)), known
    calls = [list(m.counter.calls) for m in members]
    open(os.path.join(folder, "stable-1"), "w").close()
    flag = os.path.join(folder, "restarted-1")
    wait(members, lambda: os.path.exists(flag))
    ready = float(open(flag).read())
    first = {}

    def all_came():
        for i, member in enumerate(members):
            if member.came > ready:
                first.setdefault(i, member.came - ready)
        return len(first) == MEMBERS

    wait(members, all_came)
    looker = KafkaConsumer(bootstrap_servers=bootstrap, group_id=GROUP)
    for partition, offset in known.items():
        assert looker.committed(TopicPartition(TOPIC, partition)) == offset, (partition, offset)
    looker.close()
    before = [m.read for m in members]
    wait(members, lambda: all(m.read >= b + 50 for m, b in zip(members, before)))
    for i, member in enumerate(members):
        after = member.commit(members)
        assert after and all(offset > known[p] for p, offset in after.items()), (after, known)
        assert member.counter.calls == calls[i], "a rebalance: %s" % member.counter.calls[len(calls[i]):]
    print("first record of each member", ["%.0f" % (first[i] * 1000) for i in range(MEMBERS)],
          "ms after the broker was ready")
    stopped.set()
    for member in members:
        member.stopped.set()
    for member in members:
        member.join(DEADLINE_S)
    producing.join(DEADLINE_S)
    print("ok kafka-python", kafka.__version__)


main(sys.argv[1], sys.argv[2])
