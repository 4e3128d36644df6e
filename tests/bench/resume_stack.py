"""What `./x bench resume` runs: one PostgreSQL, one broker, two relays in their default configuration; and the outages."""

import os
import signal
import socket
import struct
import subprocess
import threading
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

import psycopg2
from confluent_kafka import Consumer, TopicPartition

from gate import Gate
from ports import free_port
from processes import Child, accepts_connections, undisturbed, wait_for

ROOT = Path(__file__).resolve().parents[2]
PARTITIONS = 12  # the bundled broker's default
KEYS = 100
RELAY_TOML = """\
[[source]]
name = "{name}"
dsn = "{dsn}"
[sink]
bootstrap_servers = "{servers}"
[admin]
listen = "127.0.0.1:{admin_port}"
[web]
listen = "127.0.0.1:{web_port}"
"""
INSERT = "INSERT INTO message_record (topic, message_key, body) VALUES (%s, %s, repeat('x', 200)) RETURNING id"
# ApiVersions v0 without a client id: size, key, version, correlation id, null.
API_VERSIONS = struct.pack(">ihhih", 10, 18, 0, 1, -1)


def connect(dsn: str):
    connection = psycopg2.connect(dsn, connect_timeout=20)
    connection.autocommit = True
    return connection


class Log(threading.Thread):
    """A consumer that notes when it first saw each message of a topic."""

    def __init__(self, servers: str, topic: str):
        super().__init__(daemon=True)
        self._consumer = Consumer({"bootstrap.servers": servers, "group.id": "resume", "enable.auto.commit": False})
        self._consumer.assign([TopicPartition(topic, partition, 0) for partition in range(PARTITIONS)])
        self._arrivals = {}  # message id → wall clock
        self._stopping = False
        self.start()

    def run(self) -> None:
        while not self._stopping:
            for message in self._consumer.consume(100, 0.1):
                if message.error() is None:
                    self._arrivals.setdefault(dict(message.headers())["outbox-message-id"], time.time())
        self._consumer.close()

    def first_since(self, moment: float):
        return min((at for at in self._arrivals.copy().values() if at >= moment), default=None)

    def stop(self) -> None:
        self._stopping = True
        self.join()


class Pulse(threading.Thread):
    """Sleeps 10 ms and flushes 4 KiB, again and again: how long that takes is what the machine itself makes one wait."""

    def __init__(self, folder: Path):
        super().__init__(daemon=True)
        self._file = os.open(folder / "pulse", os.O_CREAT | os.O_WRONLY, 0o600)
        self._beats = deque(maxlen=100_000)  # (when it ended, how long it took)
        self._stopping = False
        self.start()

    def run(self) -> None:
        while not self._stopping:
            begun = time.time()
            time.sleep(0.01)
            os.pwrite(self._file, bytes(4096), 0)
            os.fdatasync(self._file)
            self._beats.append((time.time(), time.time() - begun))
        os.close(self._file)

    def longest_since(self, moment: float) -> float:
        return max((took for ended, took in self._beats.copy() if ended >= moment), default=0.0)

    def stop(self) -> None:
        self._stopping = True
        self.join()


class Writer(threading.Thread):
    """One row a transaction at a steady rate, as far as the database lets it."""

    def __init__(self, lane, rate: int):
        super().__init__(daemon=True)
        self._lane, self._period, self._stopping = lane, 1 / rate, False
        self.start()

    def run(self) -> None:
        due = time.monotonic()
        while not self._stopping:
            # What an outage kept back is not made up for.
            due = max(due, time.monotonic() - self._period) + self._period
            time.sleep(max(0.0, due - time.monotonic()))
            try:
                self._lane.insert()
            except psycopg2.Error:
                time.sleep(0.05)

    def stop(self) -> None:
        self._stopping = True
        self.join()


class Lane:
    """A database with its table, the relay over it, and the topic it publishes to."""

    def __init__(self, name: str, folder: Path, build: Path, port: int, relay_port: int, servers: str):
        dsn = "host=127.0.0.1 port={} dbname={} user=postgres"
        self.name, self.dsn, self.relay_dsn = name, dsn.format(port, name), dsn.format(relay_port, name)
        config = folder / f"{name}.toml"
        config.write_text(RELAY_TOML.format(name=name, dsn=self.relay_dsn, servers=servers, admin_port=free_port(),
                                            web_port=free_port()))
        self.relay = Child(f"relay of {name}", [build / "bin/outbox-relay", "--config", config],
                           folder / f"{name}.log")
        self._writing = None  # the connection of insert()
        self._number = 0
        self.log = None

    def insert(self) -> int:
        """Used by one thread at a time."""
        try:
            if self._writing is None:
                self._writing = connect(self.dsn)
            with self._writing.cursor() as cursor:
                cursor.execute(INSERT, (self.name, f"key-{self._number % KEYS}"))
                self._number += 1
                return cursor.fetchone()[0]
        except psycopg2.Error:
            self._writing = None
            raise

    def sql(self, statement: str, *parameters):
        """The first row."""
        connection = connect(self.dsn)
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement, parameters)
                return cursor.fetchone()
        finally:
            connection.close()

    def all_marked(self) -> bool:
        self.relay.check()
        return not self.sql("SELECT EXISTS (SELECT FROM message_record WHERE status IN (0, 2))")[0]

    def peak_mib(self) -> float:
        status = Path(f"/proc/{self.relay.pid()}/status").read_text()
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / 1024


class Stack:
    def __init__(self, folder: Path, build: Path, gated: str):
        self.folder, self._build = folder, build
        self.postgres_port, self.broker_port = free_port(), free_port()
        self._starting = None
        self.pulse = None
        self.gate = None
        relay_port, sink_port = self.postgres_port, self.broker_port
        if gated == "database":
            self.gate = Gate(self.postgres_port, free_port())
            relay_port = self.gate.port
        elif gated == "broker":
            self.gate = Gate(self.broker_port, free_port())
            sink_port = self.gate.port
        self.sink_port = sink_port
        self.broker = Child("broker", [build / "bin/outbox-broker", "--data-dir", folder / "data",
                                       "--listen", f"127.0.0.1:{self.broker_port}",
                                       "--advertise", f"127.0.0.1:{sink_port}",
                                       "--admin-listen", f"127.0.0.1:{free_port()}"], folder / "broker.log")
        self.steady, self.idle = self.lanes = [
            Lane(name, folder, build, self.postgres_port, relay_port, f"127.0.0.1:{sink_port}")
            for name in ("steady", "idle")]

    def start(self, with_logs: bool) -> None:
        """`with_logs`: consumers watch, which would themselves have to get over an outage of the broker."""
        self.pulse = Pulse(self.folder)
        with undisturbed():
            self.postgres("start", str(self.postgres_port), "--watch", str(os.getpid()))
        administrator = connect(self.steady.dsn.replace("dbname=steady", "dbname=postgres"))
        self.broker.start()
        wait_for("broker", lambda: self.broker.check() or accepts_connections(self.broker_port))
        for lane in self.lanes:
            administrator.cursor().execute(f"CREATE DATABASE {lane.name}")
            subprocess.run([self._build / "bin/outboxctl", "migrate", "up", "--dsn", lane.dsn], check=True,
                           stdout=subprocess.DEVNULL)
            lane.insert()
            lane.relay.start()
        for lane in self.lanes:
            wait_for(f"the first row of {lane.name}", lane.all_marked)
            if with_logs:
                lane.log = Log(f"127.0.0.1:{self.broker_port}", lane.name)
        administrator.close()

    def stop(self) -> None:
        for lane in self.lanes:
            if lane.log:
                lane.log.stop()
            lane.relay.stop()
        self.broker.stop()
        self.postgres_started()
        self.postgres("stop")
        if self.gate:
            self.gate.close()
        if self.pulse:
            self.pulse.stop()

    def postgres(self, command: str, *options: str) -> None:
        subprocess.run(self._postgres_command(command, *options), check=True)

    def _postgres_command(self, command: str, *options: str) -> list:
        return [ROOT / "tests/support/postgres.sh", command, self.folder / "postgres", *options]

    def postgres_again(self) -> None:
        """Returns at once; the server answers when it has recovered."""
        self._starting = subprocess.Popen(self._postgres_command("start", "--watch", str(os.getpid())))

    def postgres_started(self) -> None:
        if self._starting:
            self._starting.wait()
            self._starting = None

    def signal_postgres(self, number: int) -> None:
        """The postmaster first: it would make new servers of those stopped."""
        postmaster = int((self.folder / "postgres/data/postmaster.pid").read_text().split()[0])
        for pid in [postmaster, *children_of(postmaster)]:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass

    def broker_answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.sink_port), timeout=1) as probe:
                probe.sendall(API_VERSIONS)
                return len(probe.recv(4)) > 0
        except OSError:
            return False

    def database_answers(self) -> bool:
        try:
            connection = connect(self.steady.relay_dsn)
            connection.cursor().execute("SELECT 1")
            connection.close()
            return True
        except psycopg2.Error:
            return False


def children_of(pid: int) -> list:
    return [int(child) for task in Path(f"/proc/{pid}/task").iterdir()
            for child in (task / "children").read_text().split()]


@dataclass(frozen=True)
class Outage:
    of: str
    begin: Callable
    end: Callable
    gated: bool = False


OUTAGES = {
    "broker-killed": Outage("broker", lambda stack: stack.broker.kill(), lambda stack: stack.broker.start()),
    "broker-stopped": Outage("broker", lambda stack: os.kill(stack.broker.pid(), signal.SIGSTOP),
                             lambda stack: os.kill(stack.broker.pid(), signal.SIGCONT)),
    "broker-unplugged": Outage("broker", lambda stack: stack.gate.unplug(), lambda stack: stack.gate.resume(), True),
    "database-killed": Outage("database", lambda stack: stack.postgres("immediate-stop"), Stack.postgres_again),
    "database-stopped": Outage("database", lambda stack: stack.signal_postgres(signal.SIGSTOP),
                               lambda stack: stack.signal_postgres(signal.SIGCONT)),
    "database-refusing": Outage("database", lambda stack: stack.gate.refuse(), lambda stack: stack.gate.resume(), True),
    "database-unplugged": Outage("database", lambda stack: stack.gate.unplug(), lambda stack: stack.gate.resume(), True),
}
