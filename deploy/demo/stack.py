"""Everything the demo runs: a PostgreSQL of its own, broker, relay and two services, on free ports in one folder."""

import os
import subprocess
import urllib.request
from pathlib import Path

import psycopg2
from confluent_kafka.admin import AdminClient, NewTopic

from ports import free_port
from processes import Child, accepts_connections, undisturbed, wait_for

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
REFUSING_TOPIC_BYTES_MAX = 10_000

SHOP_TABLES = """
CREATE TABLE orders (order_id text PRIMARY KEY, customer text NOT NULL, cents integer NOT NULL,
                     created_at timestamptz NOT NULL DEFAULT clock_timestamp());
CREATE ROLE shop LOGIN IN ROLE outbox_service;
GRANT INSERT, SELECT ON orders TO shop;
CREATE ROLE relay LOGIN IN ROLE outbox_relay;
"""
# No unique order_id: a second grant must be visible, not impossible.
POINTS_TABLES = """
CREATE TABLE grants (order_id text NOT NULL, customer text NOT NULL, points integer NOT NULL,
                     granted_at timestamptz NOT NULL DEFAULT clock_timestamp());
CREATE INDEX grants_order_id ON grants (order_id);
CREATE ROLE points LOGIN IN ROLE outbox_service;
GRANT INSERT, SELECT ON grants TO points;
"""
RELAY_TOML = """\
[[source]]
name = "shop"
dsn  = "{relay_dsn}"
check_back_allow = ["http://127.0.0.1:{order_port}"]

[sink]
bootstrap_servers = "127.0.0.1:{broker_port}"

# Shorter than the defaults, so that everything can be watched.
[lease]
ttl = "3s"
[retry]
first = "1s"
limit = 3
[check_back]
first = "2s"

[alert]
webhook_url = "http://127.0.0.1:{alert_port}/"
wait = "1s"
[admin]
listen = "127.0.0.1:{relay_admin_port}"
[web]
listen = "127.0.0.1:{web_port}"
"""


class Stack:
    def __init__(self, folder: Path, programs: Path):
        self.folder = folder
        self._programs = programs
        self._postgres_running = False
        self.postgres_port, self.broker_port, self.broker_admin_port = free_port(), free_port(), free_port()
        self.relay_admin_port, self.web_port, self.order_port = free_port(), free_port(), free_port()
        self.alert_port = free_port()
        self.bootstrap_servers = f"127.0.0.1:{self.broker_port}"
        self.broker = self._child(
            "broker", programs / "outbox-broker", "--data-dir", folder / "broker-data",
            "--listen", self.bootstrap_servers, "--admin-listen", f"127.0.0.1:{self.broker_admin_port}")
        self.relay = self._child("relay", programs / "outbox-relay", "--config", folder / "relay.toml")
        self.orders = self._child(
            "order service", "/usr/bin/python3", HERE / "order_service.py",
            "--dsn", self.dsn("shop", "shop"), "--port", self.order_port)
        self.points = self._child(
            "points service", "/usr/bin/python3", HERE / "points_service.py",
            "--dsn", self.dsn("points", "points"), "--bootstrap-servers", self.bootstrap_servers)

    def _child(self, name: str, *arguments) -> Child:
        return Child(name, list(arguments), self.folder / f"{name.replace(' ', '-')}.log")

    def dsn(self, database: str, user: str = "postgres") -> str:
        return f"host=127.0.0.1 port={self.postgres_port} dbname={database} user={user}"

    def page_url(self) -> str:
        return f"http://127.0.0.1:{self.web_port}/"

    def start(self, say) -> None:
        self._start_postgres()
        say("PostgreSQL", f"started on port {self.postgres_port}")
        self._make_databases()
        say("outboxctl", "migrated the databases shop and points")
        self.broker.start()
        wait_for("broker", lambda: self.broker.check() or accepts_connections(self.broker_port))
        self._make_refusing_topic()
        say("broker", f"started on port {self.broker_port}")
        self.orders.start()
        wait_for("order service", lambda: self.orders.check() or accepts_connections(self.order_port))
        say("order service", f"started on port {self.order_port}")
        self.points.start()
        say("points service", "started")
        self._write_relay_toml()
        self.relay.start()
        wait_for("relay", lambda: self.relay.check() or self._relay_ready())
        say("relay", f"started, its page is {self.page_url()}")

    def stop(self) -> None:
        for child in (self.relay, self.points, self.orders, self.broker):
            child.stop()
        if self._postgres_running:
            self._postgres("stop")

    def _postgres(self, command: str, *arguments) -> None:
        script = ROOT / "tests" / "support" / "postgres.sh"
        with undisturbed():  # and in a session of its own, where the terminal's Ctrl-C does not reach it
            done = subprocess.run([script, command, self.folder / "postgres", *map(str, arguments)],
                                  capture_output=True, text=True, start_new_session=True)
        if done.returncode != 0:
            raise RuntimeError(f"PostgreSQL: {command} failed: {(done.stderr or done.stdout).strip()}")

    def _start_postgres(self) -> None:
        self._postgres_running = True
        self._postgres("start", self.postgres_port, "--watch", os.getpid(), "--no-sync")

    def _make_databases(self) -> None:
        with_shop = psycopg2.connect(self.dsn("postgres"))
        with_shop.autocommit = True
        with with_shop.cursor() as cursor:
            cursor.execute("CREATE DATABASE shop")
            cursor.execute("CREATE DATABASE points")
        with_shop.close()
        self._migrate("shop")
        self._migrate("points", "--only", "inbox")
        for database, tables in (("shop", SHOP_TABLES), ("points", POINTS_TABLES)):
            with psycopg2.connect(self.dsn(database)) as connection, connection.cursor() as cursor:
                cursor.execute(tables)
            connection.close()

    def _migrate(self, database: str, *options: str) -> None:
        done = subprocess.run(
            [self._programs / "outboxctl", "migrate", "up", "--dsn", self.dsn(database), *options],
            capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"outboxctl: {(done.stderr or done.stdout).strip()}")

    def _make_refusing_topic(self) -> None:
        admin = AdminClient({"bootstrap.servers": self.bootstrap_servers})
        topic = NewTopic("receipts", num_partitions=3, replication_factor=1,
                         config={"max.message.bytes": str(REFUSING_TOPIC_BYTES_MAX)})
        for made in admin.create_topics([topic]).values():
            made.result(timeout=15)

    def _write_relay_toml(self) -> None:
        (self.folder / "relay.toml").write_text(RELAY_TOML.format(
            relay_dsn=self.dsn("shop", "relay"), order_port=self.order_port, broker_port=self.broker_port,
            relay_admin_port=self.relay_admin_port, web_port=self.web_port, alert_port=self.alert_port))

    def _relay_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.relay_admin_port}/readyz", timeout=1) as answer:
                return answer.status == 200
        except OSError:
            return False
