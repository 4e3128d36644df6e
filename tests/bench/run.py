#!/usr/bin/python3
"""Runs the benchmarks that arguments.py names."""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from arguments import ROOT, SHARED, parse_arguments

sys.path.insert(0, str(ROOT / "deploy" / "demo"))

import psycopg2  # noqa: E402  (after the path above)
from ports import free_port  # noqa: E402
from processes import Child, accepts_connections, wait_for  # noqa: E402

import broker_bench  # noqa: E402
import resume  # noqa: E402

FILL = """
INSERT INTO message_record (topic, message_key, body)
SELECT '{topic}', 'key-' || (i % {keys}), repeat('x', 200) FROM generate_series(1, {rows}) i
"""
RELAY_TOML = """\
[[source]]
name = "bench"
dsn = "{dsn}"
[sink]
bootstrap_servers = "{servers}"
[admin]
listen = "127.0.0.1:{admin_port}"
[web]
listen = "127.0.0.1:{web_port}"
[log]
level = "warn"
"""
ANY_LEFT = "SELECT 1 FROM message_record WHERE status IN (0, 2) LIMIT 1"
DRAIN_TIMEOUT_S = 1800
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")


class Bench:
    """One temporary PostgreSQL, one broker, and a relay that comes and goes."""

    def __init__(self, folder: Path, build: Path):
        self.folder, self.build = folder, build
        self.postgres_port, self.broker_port = free_port(), free_port()
        self.servers = f"127.0.0.1:{self.broker_port}"
        self.dsn = f"host=127.0.0.1 port={self.postgres_port} dbname=postgres user=postgres"
        self.broker = Child("broker", [build / "bin/outbox-broker", "--data-dir", folder / "data", "--listen",
                                       self.servers, "--admin-listen", f"127.0.0.1:{free_port()}"],
                            folder / "broker.log")
        (folder / "relay.toml").write_text(RELAY_TOML.format(
            dsn=self.dsn, servers=self.servers, admin_port=free_port(), web_port=free_port()))
        self.relay = Child("relay", [build / "bin/outbox-relay", "--config", folder / "relay.toml"],
                           folder / "relay.log")

    def start(self) -> None:
        self._postgres("start", str(self.postgres_port), "--watch", str(os.getpid()),
                       "--set", "max_wal_size=4GB", "--set", "shared_buffers=512MB")
        self.run("bin/outboxctl", "migrate", "up", "--dsn", self.dsn)
        self.broker.start()
        wait_for("broker", lambda: self.broker.check() or accepts_connections(self.broker_port))

    def stop(self) -> None:
        self.relay.stop()
        self.broker.stop()
        self._postgres("stop")

    def _postgres(self, command: str, *options: str) -> None:
        subprocess.run([ROOT / "tests/support/postgres.sh", command, self.folder / "postgres", *options], check=True)

    def run(self, program: str, *arguments) -> str:
        done = subprocess.run([self.build / program, *map(str, arguments)], capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"{program}: {(done.stderr or done.stdout).strip()}")
        return done.stdout

    def figures(self, program: str, *arguments) -> dict:
        return json.loads(self.run(program, *arguments))

    def sql(self, *statements: str):
        connection = psycopg2.connect(self.dsn)
        connection.autocommit = True
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            rows = cursor.fetchall() if cursor.description else None
        connection.close()
        return rows

    def fill(self, topic: str, rows: int, keys: int) -> None:
        self.sql("TRUNCATE message_record", FILL.format(topic=topic, rows=rows, keys=keys),
                 "VACUUM ANALYZE message_record", "CHECKPOINT")


def usage_of(pid: int) -> dict:
    """CPU seconds so far and the highest resident size of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    peak_kib = next(int(line.split()[1]) for line in Path(f"/proc/{pid}/status").read_text().splitlines()
                    if line.startswith("VmHWM"))
    return {"cpu_s": (int(fields[11]) + int(fields[12])) / CLOCK_TICKS, "peak_mib": peak_kib / 1024}


def drain(bench: Bench, topic: str, rows: int, keys: int) -> dict:
    """Rows waiting before the relay starts; timed from the first delivered row to the last mark."""
    bench.fill(topic, rows, keys)
    broker_before = usage_of(bench.broker.pid())
    bench.relay.start()
    first, last = bench.sql("SELECT min(id), max(id) FROM message_record")[0]
    started = wait_until_delivered(bench, first)
    wait_until_delivered(bench, last)
    wait_for("the end of the drain", lambda: not bench.sql(ANY_LEFT), DRAIN_TIMEOUT_S)
    seconds = time.monotonic() - started
    relay, broker = usage_of(bench.relay.pid()), usage_of(bench.broker.pid())
    bench.relay.stop()
    return {"rows": rows, "seconds": seconds, "rows_per_s": rows / seconds,
            "relay_cpu_s_per_million": relay["cpu_s"] * 1e6 / rows,
            "broker_cpu_s_per_million": (broker["cpu_s"] - broker_before["cpu_s"]) * 1e6 / rows,
            "relay_peak_mib": relay["peak_mib"], "broker_peak_mib": broker["peak_mib"]}


def wait_until_delivered(bench: Bench, row_id: int) -> float:
    """By the primary key, so that watching costs nothing."""
    statement = f"SELECT 1 FROM message_record WHERE id = {row_id} AND status = 1"
    wait_for(f"row {row_id}", lambda: bench.relay.check() or bench.sql(statement), DRAIN_TIMEOUT_S)
    return time.monotonic()


def bare_loop(bench: Bench, rows: int, keys: int) -> dict:
    bench.fill("bare", rows, keys)
    figures = bench.figures("bench/bare_loop", bench.dsn)
    return {**figures, "rows_per_s": figures["rows"] / figures["seconds"]}


def bench_drain(bench: Bench, arguments) -> dict:
    bare = [bare_loop(bench, arguments.rows, 10_000)]
    many = drain(bench, "drain-many", arguments.rows, 10_000)
    one = drain(bench, "drain-one", arguments.rows, 1)
    bare.append(bare_loop(bench, arguments.rows, 10_000))
    floor = statistics.mean(run["rows_per_s"] for run in bare)
    say(f"bare PostgreSQL loop           {floor:10,.0f} rows/s  "
        f"(before and after: {', '.join(format(run['rows_per_s'], ',.0f') for run in bare)})")
    for name, run in (("10,000 keys", many), ("one key", one)):
        run["against_bare_loop"] = run["rows_per_s"] / floor
        say(f"drain, {name:12}            {run['rows_per_s']:10,.0f} rows/s  = {run['against_bare_loop']:.2f} of the bare "
            f"loop; CPU s per million: relay {run['relay_cpu_s_per_million']:.1f}, broker "
            f"{run['broker_cpu_s_per_million']:.1f}; peak: relay {run['relay_peak_mib']:.0f} MiB, broker "
            f"{run['broker_peak_mib']:.0f} MiB")
    return {"bare": bare, "many_keys": many, "one_key": one}


def bench_produce(bench: Bench, arguments) -> dict:
    before = usage_of(bench.broker.pid())
    stream = bench.figures("bench/produce_bench", "stream", bench.servers, "produce", arguments.records, 1024)
    after = usage_of(bench.broker.pid())
    stream["records_per_s"] = stream["records"] / stream["seconds"]
    stream["broker_cpu_s_per_million"] = (after["cpu_s"] - before["cpu_s"]) * 1e6 / stream["records"]
    say(f"durable produce, 1 KiB x 12    {stream['records_per_s']:10,.0f} records/s; broker CPU s per million "
        f"{stream['broker_cpu_s_per_million']:.2f}, peak {after['peak_mib']:.0f} MiB")
    flush = bench.figures("bench/produce_bench", "fdatasync", bench.folder / "flush", 2000, 4096)
    single = bench.figures("bench/produce_bench", "single", bench.servers, "single", 2000, 1024)
    ratio = single["p50_us"] / flush["p50_us"]
    say(f"one durable produce, p50       {single['p50_us']:10,.0f} us = {ratio:.1f} of a bare fdatasync "
        f"({flush['p50_us']:.0f} us); p99 {single['p99_us']:,.0f} us against {flush['p99_us']:,.0f} us")
    return {"stream": stream, "single": single, "fdatasync": flush, "single_against_fdatasync": ratio}


def bench_latency(bench: Bench, arguments) -> dict:
    bench.sql("TRUNCATE message_record")
    bench.relay.start()
    figures = bench.figures("bench/latency_bench", bench.dsn, bench.servers, "latency", 1000, arguments.seconds)
    usage = usage_of(bench.relay.pid())
    bench.relay.stop()
    figures["relay_cpu_share"] = usage["cpu_s"] / arguments.seconds
    say(f"commit to consumer, 1,000/s    p50 {figures['p50_ms']:.1f} ms, p99 {figures['p99_ms']:.1f} ms, "
        f"max {figures['max_ms']:.0f} ms; relay {figures['relay_cpu_share']:.0%} of a core")
    return figures


def say(line: str) -> None:
    print(line, flush=True)


BENCHES = {"drain": bench_drain, "produce": bench_produce, "latency": bench_latency}
OWN_SERVERS = {"broker": broker_bench.run, "resume": resume.run}


def main() -> int:
    arguments = parse_arguments()
    names = arguments.only or SHARED
    folder = Path(tempfile.mkdtemp(prefix="outbox-bench-"))
    folder.chmod(0o755)
    results = {}
    try:
        for name in (name for name in names if name in OWN_SERVERS):
            results[name] = OWN_SERVERS[name](folder, arguments.build, arguments)
        if shared := [name for name in names if name in BENCHES]:
            results |= run_shared(folder, arguments, shared)
        if arguments.json:
            arguments.json.write_text(json.dumps(results, indent=2) + "\n")
        return 0
    except RuntimeError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    finally:
        if not os.environ.get("OUTBOX_KEEP_TEMP"):
            shutil.rmtree(folder, ignore_errors=True)


def run_shared(folder: Path, arguments, names: list) -> dict:
    """The benchmarks that use one PostgreSQL and one broker, one after the other."""
    bench = Bench(folder, arguments.build)
    try:
        bench.start()
        return {name: BENCHES[name](bench, arguments) for name in names}
    finally:
        bench.stop()


if __name__ == "__main__":
    sys.exit(main())
