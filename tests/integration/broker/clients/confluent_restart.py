"""A group of three librdkafka consumers (confluent-kafka) whose broker is killed and started again: nobody may notice
but for the pause.

Usage: confluent_restart.py BOOTSTRAP FOLDER [static]. Says "stable" in FOLDER/stable when the broker may be killed, and
waits for FOLDER/restarted, whose text is the time at which it was ready again; two rounds (stable-1, restarted-1 …).
Prints what it measured, then "ok".
"""
import os
import sys
import threading
import time

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition, libversion
from confluent_kafka.admin import AdminClient, NewTopic

PARTITIONS = 6
MEMBERS = 3
ROUNDS = 2
DEADLINE_S = 120
SESSION_MS = 45000  # these clients come back up to tens of seconds after their broker did


class Stream(threading.Thread):
    """Produces a record every 20 ms to each partition in turn, until it is stopped."""

    def __init__(self, bootstrap, topic):
        super().__init__(daemon=True)
        self.producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 0})
        self.topic = topic
        self.stopped = threading.Event()

    def run(self):
        number = 0
        while not self.stopped.wait(0.02):
            self.producer.produce(self.topic, b"%d" % number, partition=number % PARTITIONS)
            self.producer.poll(0)
            number += 1


class Member:
    def __init__(self, bootstrap, topic, number, is_static):
        self.calls = []
        self.read = 0
        self.partitions = set()  # of what was read
        settings = {"bootstrap.servers": bootstrap, "group.id": "restart", "auto.offset.reset": "earliest",
                    "enable.auto.commit": False, "session.timeout.ms": SESSION_MS, "heartbeat.interval.ms": 500,
                    "client.id": "member-%d" % number}
        if is_static:
            settings["group.instance.id"] = "instance-%d" % number
        self.consumer = Consumer(settings)
        self.consumer.subscribe([topic], on_assign=self.note("assign"), on_revoke=self.note("revoke"),
                                on_lost=self.note("lost"))

    def note(self, what):
        return lambda _, partitions: self.calls.append((what, len(partitions)))

    def poll(self):
        """When the last of the messages came; None: none came."""
        came = None
        for message in self.consumer.consume(100, 0.02):
            if message.error() is None:
                self.read += 1
                self.partitions.add(message.partition())
                came = time.time()
            else:
                assert message.error().code() in (KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN), message.error()
        return came


def until(members, holds):
    end = time.monotonic() + DEADLINE_S
    while not holds():
        assert time.monotonic() < end, [(m.read, m.calls, len(m.consumer.assignment())) for m in members]
        for member in members:
            member.poll()


def commit(member):
    """What was committed now: a partition without news is not among them."""
    end = time.monotonic() + DEADLINE_S
    while True:
        try:
            done = member.consumer.commit(asynchronous=False)
            assert not any(p.error for p in done), done
            return {p.partition: p.offset for p in done if p.offset >= 0}
        except KafkaException as failed:  # on its way when the broker fell
            assert failed.args[0].retriable() or failed.args[0].code() == KafkaError._NO_OFFSET, failed
            assert time.monotonic() < end, failed
            member.poll()


def committed(bootstrap, topic):
    looker = Consumer({"bootstrap.servers": bootstrap, "group.id": "restart"})
    found = looker.committed([TopicPartition(topic, p) for p in range(PARTITIONS)], DEADLINE_S)
    looker.close()
    return {p.partition: p.offset for p in found}


def one_round(bootstrap, topic, folder, members, number, known):
    for member in members:
        known.update(commit(member))
    assert sorted(known) == list(range(PARTITIONS)), known
    calls = [list(member.calls) for member in members]
    open(os.path.join(folder, "stable-%d" % number), "w").close()
    flag = os.path.join(folder, "restarted-%d" % number)
    until(members, lambda: os.path.exists(flag))
    first = [None] * MEMBERS
    ready = float(open(flag).read())
    end = time.monotonic() + DEADLINE_S
    while not all(first):
        assert time.monotonic() < end, first
        for i, member in enumerate(members):
            came = member.poll()
            if came and not first[i] and came > ready:
                first[i] = came - ready
    found = committed(bootstrap, topic)
    assert found == known, "a committed offset is not what it was: %s, was %s" % (found, known)
    before = [member.read for member in members]
    until(members, lambda: all(m.read >= b + 50 for m, b in zip(members, before)))
    for i, member in enumerate(members):
        after = commit(member)  # taken from a member of the same generation only
        assert after and all(offset > known[p] for p, offset in after.items()), (after, known)
        assert member.calls == calls[i], "a rebalance: %s" % member.calls[len(calls[i]):]
        known.update(after)
    print("round %d: first record of each member %s ms after the broker was ready" %
          (number, ["%.0f" % (s * 1000) for s in first]))


def main(bootstrap, folder, is_static):
    topic = "restart"
    admin = AdminClient({"bootstrap.servers": bootstrap})
    admin.create_topics([NewTopic(topic, PARTITIONS, 1)])[topic].result(DEADLINE_S)
    stream = Stream(bootstrap, topic)
    stream.start()
    members = [Member(bootstrap, topic, i, is_static) for i in range(MEMBERS)]
    until(members, lambda: all(len(m.consumer.assignment()) == PARTITIONS // MEMBERS for m in members))
    until(members, lambda: sum(len(m.partitions) for m in members) == PARTITIONS)
    known = {}  # partition → its committed offset
    for number in range(1, ROUNDS + 1):
        one_round(bootstrap, topic, folder, members, number, known)
    stream.stopped.set()
    stream.join()
    for member in members:
        member.consumer.close()
    print("ok librdkafka", libversion()[0], "static" if is_static else "dynamic")


main(sys.argv[1], sys.argv[2], sys.argv[3:] == ["static"])
