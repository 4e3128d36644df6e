#!/usr/bin/python3
"""The demo's order service: business data and outbox row in one transaction, and the check-back that answers for it.

What a service of your own does is all here: the plain INSERT (`place_plain`), the two-step way for work that happens
elsewhere (`place_prepared`), and the handler that tells the relay how it ended (`check_back`).

HTTP: POST /orders {"order_id", "customer", "cents", "way"} · GET /check-back?msg_log_id=… · GET /health
"""

import argparse
import json
import sys
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlparse

import psycopg2

TOPIC = "orders"
REFUSING_TOPIC = "receipts"  # takes at most 10 kB a message, so a scanned receipt is refused
RECEIPT_BYTES = 20_000
BODY_BYTES_MAX = 64 * 1024


class Crash(Exception):
    """The worker dies here: nobody confirms, nobody cancels, the caller gets no answer."""


class RolledBack(Exception):
    """The business said no."""


class Orders:
    """The business. Every method opens a connection of its own, as a small web application does."""

    def __init__(self, dsn: str, check_back_url: str):
        self._dsn = dsn
        self._check_back_url = check_back_url

    def _connect(self):
        return closing(psycopg2.connect(self._dsn))

    def place_plain(self, order: dict) -> None:
        """One transaction: the order and its message are committed together or not at all."""
        with self._connect() as connection, connection, connection.cursor() as cursor:
            insert_order(cursor, order)
            cursor.execute(
                "INSERT INTO message_record (topic, message_key, body) VALUES (%s, %s, %s)",
                (TOPIC, order["customer"], message_body(order)),
            )

    def place_with_receipt(self, order: dict) -> None:
        """As plain, but to a topic that refuses the size: the row ends dead, with its reason, and is not lost."""
        with self._connect() as connection, connection, connection.cursor() as cursor:
            insert_order(cursor, order)
            cursor.execute(
                "INSERT INTO message_record (topic, message_key, body) VALUES (%s, %s, %s)",
                (REFUSING_TOPIC, order["order_id"], message_body(order, scan="#" * RECEIPT_BYTES)),
            )

    def place_prepared(self, order: dict, way: str) -> None:
        """The message is prepared first and stays unclear until the business has ended."""
        msg_log_id = order["order_id"]
        with self._connect() as connection:
            with connection, connection.cursor() as cursor:
                cursor.execute(
                    "SELECT outbox_prepare(%s, %s, %s, NULL, %s, %s)",
                    (TOPIC, order["customer"], message_body(order), msg_log_id, self._check_back_url),
                )
                message_id = cursor.fetchone()[0]
            if way == "crash_before":
                raise Crash
            with connection, connection.cursor() as cursor:
                cursor.execute("SELECT outbox_begin(%s)", (msg_log_id,))  # the barrier: always the first statement
                insert_order(cursor, order)
                if way == "rolled_back":
                    raise RolledBack
            if way == "crash_after":
                raise Crash
            with connection, connection.cursor() as cursor:
                cursor.execute("SELECT outbox_confirm(%s)", (message_id,))

    def check_back(self, msg_log_id: str) -> str:
        """How did it end? The answer counts only once the transaction that asked has committed."""
        with self._connect() as connection, connection, connection.cursor() as cursor:
            cursor.execute("SELECT outbox_check_back(%s)", (msg_log_id,))
            verdict = cursor.fetchone()[0]
        return verdict


def insert_order(cursor, order: dict) -> None:
    cursor.execute(
        "INSERT INTO orders (order_id, customer, cents) VALUES (%s, %s, %s)",
        (order["order_id"], order["customer"], order["cents"]),
    )


def message_body(order: dict, **more) -> str:
    return json.dumps({**order, "points": order["cents"] // 100, **more})


CHECK_BACK_STATUS = {"committed": 200, "rolled_back": 409, "in_progress": 425}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    orders: Orders  # set by main

    def do_GET(self) -> None:
        url = urlparse(self.path)
        if url.path == "/health":
            return self._answer(200, {"status": "ok"})
        if url.path != "/check-back":
            return self._answer(404, {"error": "no such page"})
        msg_log_id = parse_qs(url.query).get("msg_log_id", [""])[0]
        try:
            verdict = self.orders.check_back(msg_log_id)
        except psycopg2.Error as error:  # any doubt is "ask again", never an answer
            print(f"check-back of {msg_log_id}: {error}", file=sys.stderr, flush=True)
            verdict = "in_progress"
        return self._answer(CHECK_BACK_STATUS[verdict], {"status": verdict})

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", "0"))
        if self.path != "/orders" or not 0 < length <= BODY_BYTES_MAX:
            return self._answer(400, {"error": "POST /orders with a JSON body"})
        request = json.loads(self.rfile.read(length))
        way = request.pop("way", "plain")
        try:
            self._place(request, way)
        except RolledBack:
            return self._answer(409, {"status": "rolled back"})
        except Crash:
            self.close_connection = True  # no answer at all, as after a real crash
            return None
        except psycopg2.Error as error:
            return self._answer(500, {"error": str(error).strip()})
        return self._answer(201, {"status": "ordered"})

    def _place(self, order: dict, way: str) -> None:
        if way == "plain":
            self.orders.place_plain(order)
        elif way == "receipt":
            self.orders.place_with_receipt(order)
        else:
            self.orders.place_prepared(order, way)

    def _answer(self, status: int, body: dict) -> None:
        payload = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, *_args) -> None:
        """Quiet: the demo tells what happens."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dsn", required=True, help="the shop's database")
    parser.add_argument("--port", type=int, required=True)
    arguments = parser.parse_args()
    url = f"http://127.0.0.1:{arguments.port}/check-back"
    Handler.orders = Orders(arguments.dsn, url)
    ThreadingHTTPServer.daemon_threads = True
    ThreadingHTTPServer(("127.0.0.1", arguments.port), Handler).serve_forever()


if __name__ == "__main__":
    main()
