"""What the databases and the log say: the numbers of the live view and of the reconciliation."""

import json
from contextlib import closing
from dataclasses import dataclass

import psycopg2
from confluent_kafka import Consumer, KafkaError, TopicPartition

COUNTS = """
SELECT count(*) FILTER (WHERE status = 0 AND confirmed), count(*) FILTER (WHERE status = 0 AND NOT confirmed),
       count(*) FILTER (WHERE status = 1), count(*) FILTER (WHERE status = 2), count(*) FILTER (WHERE status = 3)
FROM message_record
"""
# The demo's table is small; a real one is watched through the relay's metrics, never counted.
NEWEST = """
SELECT m.id, m.body::json->>'order_id', to_char(m.created_at, 'HH24:MI:SS.MS'), to_char(m.sent_at, 'HH24:MI:SS.MS'),
       m.sent_partition, m.sent_offset, m.checks
FROM message_record m WHERE m.status = 1 AND m.topic = 'orders' ORDER BY m.sent_at DESC, m.id DESC LIMIT 1
"""
DEAD = "SELECT id, topic, attempts, fail_msg FROM message_record WHERE status = 2 AND id > %s ORDER BY id"
READ_TIMEOUT_S = 30


@dataclass
class Counts:
    orders: int = 0
    waiting: int = 0
    unclear: int = 0
    delivered: int = 0
    dead: int = 0
    cancelled: int = 0
    granted: int = 0


class Observer:
    """Connections of its own, read only."""

    def __init__(self, shop_dsn: str, points_dsn: str):
        self._shop = self._connect(shop_dsn)
        self._points = self._connect(points_dsn)
        self._last_dead_id = 0

    @staticmethod
    def _connect(dsn: str):
        connection = psycopg2.connect(dsn)
        connection.set_session(readonly=True, autocommit=True)
        return connection

    def close(self) -> None:
        self._shop.close()
        self._points.close()

    def counts(self) -> Counts:
        orders = self._one(self._shop, "SELECT count(*) FROM orders")[0]
        rows = self._one(self._shop, COUNTS)
        granted = self._one(self._points, "SELECT count(DISTINCT order_id) FROM grants")[0]
        return Counts(orders, *rows, granted)

    def newest_way(self) -> str:
        row = self._one(self._shop, NEWEST)
        if row is None:
            return "none yet"
        number, order_id, created, sent, partition, offset, checks = row
        asked = f" → asked {checks}×" if checks else ""
        grant = self._one(self._points, "SELECT to_char(granted_at, 'HH24:MI:SS.MS'), points FROM grants "
                          "WHERE order_id = %s", (order_id,))
        granted = f" → {grant[1]} points at {grant[0]}" if grant else " → not granted yet"
        return f"row {number} at {created}{asked} → partition {partition} offset {offset} at {sent}{granted}"

    def new_dead(self) -> list:
        """Dead rows that were not told yet: (id, topic, attempts, fail_msg)."""
        with self._shop.cursor() as cursor:
            cursor.execute(DEAD, (self._last_dead_id,))
            rows = cursor.fetchall()
        if rows:
            self._last_dead_id = rows[-1][0]
        return rows

    def order_ids(self) -> set:
        return {row[0] for row in self._all(self._shop, "SELECT order_id FROM orders")}

    def dead_order_ids(self) -> set:
        return {row[0] for row in self._all(
            self._shop, "SELECT body::json->>'order_id' FROM message_record WHERE status = 2")}

    def grants(self) -> dict:
        return dict(self._all(self._points, "SELECT order_id, count(*) FROM grants GROUP BY order_id"))

    @staticmethod
    def _one(connection, statement: str, arguments=()):
        with connection.cursor() as cursor:
            cursor.execute(statement, arguments)
            return cursor.fetchone()

    @staticmethod
    def _all(connection, statement: str):
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall()


def read_topic(bootstrap_servers: str, topic: str) -> list:
    """Every order id in the log, from offset 0, in no group: what anybody could have seen."""
    consumer = Consumer({"bootstrap.servers": bootstrap_servers, "group.id": "reconciliation", "log_level": 2,
                         "enable.auto.commit": False, "enable.partition.eof": True})
    with closing(consumer):
        partitions = consumer.list_topics(topic, timeout=READ_TIMEOUT_S).topics[topic].partitions
        consumer.assign([TopicPartition(topic, number, 0) for number in partitions])
        order_ids, at_end = [], set()
        while len(at_end) < len(partitions):
            message = consumer.poll(READ_TIMEOUT_S)
            if message is None:
                raise RuntimeError(f"the log of topic {topic} could not be read to its end")
            if message.error() is None:
                order_ids.append(json.loads(message.value())["order_id"])
            elif message.error().code() == KafkaError._PARTITION_EOF:
                at_end.add(message.partition())
        return order_ids
