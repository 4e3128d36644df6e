#!/usr/bin/python3
"""The demo's points service: a consumer group that grants each order's points exactly once.

Offsets are committed by hand, after the database has committed: a crash in between repeats messages, never skips one,
and inbox_claim() in the same transaction makes the repetition harmless.
"""

import argparse
import json
import signal
import sys
import time

import psycopg2
from confluent_kafka import Consumer, KafkaException

CONSUMER = "points"
BATCH_MESSAGES_MAX = 100


class PointsService:
    def __init__(self, dsn: str, bootstrap_servers: str):
        self._dsn = dsn
        self._connection = None
        self._running = True
        self._consumer = Consumer({
            "bootstrap.servers": bootstrap_servers,
            "group.id": CONSUMER,
            "group.instance.id": "points-1",  # a restart takes its own place again, without waiting for a time-out
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "session.timeout.ms": 10_000,
            "topic.metadata.refresh.interval.ms": 1_000,  # the topic may be made after we came
            "log_level": 2,  # the demo kills the broker: its absence is no news
        })

    def stop(self, *_args) -> None:
        self._running = False

    def run(self) -> None:
        self._consumer.subscribe(["orders"])
        try:
            while self._running:
                messages = self._consumer.consume(BATCH_MESSAGES_MAX, timeout=0.2)
                good = [message for message in messages if message.error() is None]
                if good:
                    self._grant_until_committed(good)
                    self._commit_offsets()
        finally:
            self._consumer.close()

    def _grant_until_committed(self, messages: list) -> None:
        """The database may go away for a while; the offset waits for it."""
        while self._running:
            try:
                return self._grant(messages)
            except psycopg2.Error as error:
                print(f"database: {str(error).strip()}; trying again", file=sys.stderr, flush=True)
                self._connection = None
                time.sleep(0.5)
        sys.exit(0)  # told to stop before the grant was durable: no offset is committed, the messages come again

    def _grant(self, messages: list) -> None:
        if self._connection is None:
            self._connection = psycopg2.connect(self._dsn)
        with self._connection, self._connection.cursor() as cursor:
            for message in messages:
                message_id = dict(message.headers())["outbox-message-id"].decode()
                cursor.execute("SELECT inbox_claim(%s, %s)", (CONSUMER, message_id))
                if cursor.fetchone()[0]:
                    order = json.loads(message.value())
                    cursor.execute(
                        "INSERT INTO grants (order_id, customer, points) VALUES (%s, %s, %s)",
                        (order["order_id"], order["customer"], order["points"]),
                    )

    def _commit_offsets(self) -> None:
        try:
            self._consumer.commit(asynchronous=False)
        except KafkaException as error:  # the broker is away: the messages come again and are claimed already
            print(f"offsets not committed: {error}", file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dsn", required=True, help="the points database")
    parser.add_argument("--bootstrap-servers", required=True)
    arguments = parser.parse_args()
    service = PointsService(arguments.dsn, arguments.bootstrap_servers)
    signal.signal(signal.SIGTERM, service.stop)
    signal.signal(signal.SIGINT, service.stop)
    service.run()


if __name__ == "__main__":
    main()
