"""The bundled broker's figures, beside Apache Kafka's where it can be had: `./x bench broker`.

All of one table is taken in one run, ours and Kafka's in turns, by the same client (librdkafka). Every server gets a
warm-up that is not counted, and memory for what a run writes is touched right before it: a virtual machine may have given
its free memory back to its host, and to fetch a page again costs more than anything measured here.
"""

import json
import mmap
import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

from confluent_kafka.admin import AdminClient, NewTopic
from ports import free_port
from processes import Child, accepts_connections, wait_for

import kafka_server

KIB = 1024
WARM_UP_RECORDS = 300_000
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")


def say(text: str) -> None:
    print(text, flush=True)


class Ours:
    """outbox-broker at its defaults."""

    def __init__(self, build: Path, folder: Path):
        self.folder, self.port = folder, free_port()
        self.servers = f"127.0.0.1:{self.port}"
        folder.mkdir(parents=True)
        self.child = Child("broker", [build / "bin/outbox-broker", "--data-dir", folder / "data", "--listen",
                                      self.servers, "--admin-listen", f"127.0.0.1:{free_port()}"], folder / "log")

    def start(self, wait: bool = True) -> None:
        self.child.start()
        if wait:
            wait_for("broker", lambda: self.child.check() or accepts_connections(self.port))

    def pid(self) -> int:
        return self.child.pid()

    def kill(self) -> None:
        self.child.kill()

    def stop(self) -> None:
        self.child.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def ticks_of(stat: Path) -> int:
    fields = stat.read_text().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


def kernel_worker_ticks() -> int:
    """Of all kernel threads: they write back what the brokers leave in the page cache."""
    total = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if fields[1] == "2":
            total += int(fields[11]) + int(fields[12])
    return total


def sectors_written(folder: Path) -> "int | None":
    device = os.stat(folder).st_dev
    stat = Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}/stat")
    return int(stat.read_text().split()[6]) if stat.exists() else None


def free_bytes() -> int:
    lines = Path("/proc/meminfo").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("MemFree")).split()[1]) * KIB


def touch_memory_for(records: int) -> None:
    """For all that they make a server write; ours writes them twice. Only free memory: nothing is pushed out of the cache."""
    os.sync()  # first: later it would take the time in which untouched memory goes back
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | mmap.MAP_POPULATE
    mmap.mmap(-1, min(3 * records * KIB, free_bytes() // 2), flags=flags).close()


def resident_mib(pid: int, field: str = "VmHWM") -> float:
    line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith(field))
    return int(line.split()[1]) / KIB


class Usage:
    """CPU seconds of a server and of the kernel's workers, and bytes that reached the device, between begin and end."""

    def __init__(self, server):
        self.server = server
        os.sync()
        self.sectors = sectors_written(server.folder)
        self.process, self.kernel = ticks_of(Path(f"/proc/{server.pid()}/stat")), kernel_worker_ticks()

    def end(self, records: int) -> dict:
        process = ticks_of(Path(f"/proc/{self.server.pid()}/stat")) - self.process
        kernel = kernel_worker_ticks() - self.kernel
        os.sync()
        sectors = sectors_written(self.server.folder)
        written = None if sectors is None else (sectors - self.sectors) * 512 / (records * KIB)
        return {"cpu_s_per_million": process / CLOCK_TICKS * 1e6 / records,
                "kernel_cpu_s_per_million": kernel / CLOCK_TICKS * 1e6 / records,
                "device_bytes_per_byte": written, "peak_mib": resident_mib(self.server.pid())}


class BrokerBench:
    def __init__(self, folder: Path, build: Path, arguments):
        self.folder, self.build, self.arguments = folder, build, arguments
        self.results = {}
        self.jars = None if arguments.no_kafka else kafka_server.classpath(build)
        self.number = 0

    def program(self, name: str, *arguments) -> dict:
        done = subprocess.run([self.build / "bench" / name, *map(str, arguments)], capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"{name}: {(done.stderr or done.stdout).strip()}")
        return json.loads(done.stdout.splitlines()[-1])

    def fresh(self, kind: str):
        self.number += 1
        folder = self.folder / f"{kind}-{self.number}"
        return Ours(self.build, folder) if kind == "ours" else kafka_server.Kafka(self.jars, folder, kind == "kafka-flush")

    def kinds(self) -> list:
        return ["ours"] + (["kafka", "kafka-flush"] if self.jars else [])

    # --- figures ---

    def throughput(self) -> None:
        """Durable produce and consume, each server in turns, medians of the rounds."""
        records = self.arguments.records
        servers = {kind: self.fresh(kind) for kind in self.kinds()}
        runs = {kind: {"produce": [], "consume": []} for kind in servers}
        try:
            for server in servers.values():
                server.start()
                create(server.servers, {"warm-up": 12})
                for _ in range(1 if isinstance(server, Ours) else 2):
                    self.program("produce_bench", "stream", server.servers, "warm-up", WARM_UP_RECORDS, KIB)
                self.program("consume_bench", "all", server.servers, "warm-up", WARM_UP_RECORDS)
            for number in range(self.arguments.repeat):
                for kind, server in servers.items():
                    topic = f"round-{number}"
                    create(server.servers, {topic: 12})
                    touch_memory_for(records)
                    usage = Usage(server)
                    run = self.program("produce_bench", "stream", server.servers, topic, records, KIB)
                    runs[kind]["produce"].append({**rate(run), **usage.end(records)})
                    usage = Usage(server)
                    run = self.program("consume_bench", "all", server.servers, topic, records)
                    runs[kind]["consume"].append({**rate(run), **usage.end(records)})
        finally:
            for server in servers.values():
                server.stop()
        for what in ("produce", "consume"):
            for kind in servers:
                figures = median_of(runs[kind][what])
                self.results.setdefault(what, {})[kind] = figures
                device = figures["device_bytes_per_byte"]
                say(f"{what:8} 1 KiB, {kind:12} {figures['records_per_s']:10,.0f} records/s; CPU s per million: process "
                    f"{figures['cpu_s_per_million']:.2f}, kernel workers {figures['kernel_cpu_s_per_million']:.2f}; "
                    + (f"device bytes per byte {device:.2f}; " if what == "produce" and device is not None else "")
                    + f"peak {figures['peak_mib']:.0f} MiB")
            self.say_ratios(what)
        bare = median_of([self.bare_broker(records) for _ in range(self.arguments.repeat)])
        self.results["bare_broker"] = bare
        ours = self.results["produce"]["ours"]["cpu_s_per_million"]
        say(f"bare receive, CRC, two writes, fdatasync: {bare['records_per_s']:,.0f} records/s, "
            f"{bare['cpu_s_per_million']:.2f} CPU s per million; the broker takes "
            f"{ours / bare['cpu_s_per_million']:.1f} times as much")

    def bare_broker(self, records: int) -> dict:
        touch_memory_for(records)
        return self.program("bare_broker", self.folder / "bare", records >> 10, 128 << 10)

    def say_ratios(self, what: str) -> None:
        figures = self.results[what]
        for kind in self.kinds()[1:]:
            speed = figures["ours"]["records_per_s"] / figures[kind]["records_per_s"]
            cpu = figures["ours"]["cpu_s_per_million"] / figures[kind]["cpu_s_per_million"]
            say(f"  {what}: {speed:.2f} times {kind}'s speed at {cpu:.2f} of its CPU")

    def single(self) -> None:
        """One produce at a time, and produce → consume at 1,000 a second; in turns, for the disk changes with time."""
        servers = {kind: self.fresh(kind) for kind in self.kinds()}
        runs = {kind: {"single": [], "latency": []} for kind in servers}
        try:
            for server in servers.values():
                server.start()
                create(server.servers, {"single": 12, "latency": 12, "lone": 1})
                self.program("produce_bench", "single", server.servers, "single", 3000, KIB)
            for _ in range(self.arguments.repeat):
                for kind, server in servers.items():
                    runs[kind]["single"].append(self.single_beside_flush(server))
                    runs[kind]["latency"].append(self.program("consume_bench", "latency", server.servers, "latency",
                                                              1000, self.arguments.seconds))
            self.lone(servers["ours"])
        finally:
            for server in servers.values():
                server.stop()
        for kind in servers:
            single = self.results.setdefault("single", {})[kind] = median_of(runs[kind]["single"])
            latency = self.results.setdefault("latency", {})[kind] = median_of(runs[kind]["latency"])
            say(f"one durable produce, {kind:12} p50 {single['p50_us']:6,.0f} us, p99 {single['p99_us']:6,.0f} us; a bare "
                f"fdatasync just before: {single['flush_p50_us']:.0f} us, {single['flush_p99_us']:.0f} us; p50 ratio "
                f"{single['ratio']:.2f}")
            say(f"produce to consume at 1,000/s, {kind:12} p50 {latency['p50_us']:6,.0f} us, p99 "
                f"{latency['p99_us']:6,.0f} us")

    def single_beside_flush(self, server) -> dict:
        """The disk changes from minute to minute: each round has a flush of its own to compare with."""
        flush = self.program("produce_bench", "fdatasync", self.folder / "flush", 1000, 4096)
        single = self.program("produce_bench", "single", server.servers, "single", 1500, KIB)
        return {"p50_us": single["p50_us"], "p99_us": single["p99_us"], "flush_p50_us": flush["p50_us"],
                "flush_p99_us": flush["p99_us"], "ratio": single["p50_us"] / flush["p50_us"]}

    def lone(self, server) -> None:
        """What the broker itself takes: a client without a library, in turns with the bare flush."""
        runs = [self.program("lone_produce", server.port, "lone", self.folder / f"lone-{number}", 1000, KIB)
                for number in range(self.arguments.repeat)]
        for run in runs:
            run["ratio"] = run["p50_us"] / run["flush_p50_us"]
        self.results["lone"] = median_of(runs)
        say("one durable produce, bare socket in turns with a bare fdatasync: p50 "
            + ", ".join(f"{run['p50_us']:.0f} us / {run['flush_p50_us']:.0f} us = {run['ratio']:.2f}" for run in runs))

    def starts(self) -> None:
        """Empty to the first acknowledged record, and after kill -9 with 1 GiB."""
        for kind in self.kinds():
            empty = [self.first_record(self.fresh(kind)) for _ in range(self.arguments.repeat)]
            server = self.fresh(kind)
            server.start()
            create(server.servers, {"full": 12})
            self.program("produce_bench", "stream", server.servers, "full", 1 << 20, KIB)
            server.kill()
            killed = self.first_record(server)
            self.results.setdefault("start", {})[kind] = {"empty_s": statistics.median(empty), "killed_s": killed}
            say(f"first acknowledged record, {kind:12} from an empty folder {statistics.median(empty):.2f} s, "
                f"after kill -9 with 1 GiB {killed:.2f} s")

    def first_record(self, server) -> float:
        if not isinstance(server, Ours) and not (server.folder / "log").exists():
            server.format()
        started = time.monotonic()
        server.start(wait=False)
        self.program("consume_bench", "first", server.servers, "first", 120_000)
        took = time.monotonic() - started
        server.stop()
        return took

    def growth(self) -> None:
        """CPU for each record when there is ten times as much of everything else."""
        server = self.fresh("ours")
        server.start()
        records = self.arguments.records // 2
        try:
            create(server.servers, {"p12": 12, "p120": 120, "idle": 12, "many-waiting": 12,
                                    **{f"t-{i}": 12 for i in range(10)}})
            self.program("produce_bench", "stream", server.servers, "p12", WARM_UP_RECORDS, KIB)

            def cost(*topics: str) -> float:
                touch_memory_for(records)
                usage = Usage(server)
                for topic in topics:
                    self.program("produce_bench", "stream", server.servers, topic, records // len(topics), KIB)
                return usage.end(records)["cpu_s_per_million"]

            base = statistics.median(cost("p12") for _ in range(self.arguments.repeat))
            wide = statistics.median(cost("p120") for _ in range(self.arguments.repeat))
            topics = statistics.median(cost(*[f"t-{i}" for i in range(10)]) for _ in range(self.arguments.repeat))
            waiting = {}
            for consumers in (100, 1000):
                idlers = self.idlers(server, "idle", 12, consumers, 30_000, 600)
                waiting[consumers] = statistics.median(cost("many-waiting") for _ in range(self.arguments.repeat))
                idlers.kill()
                idlers.wait()
        finally:
            server.stop()
        self.results["growth"] = {"12_partitions": base, "120_partitions": wide, "10_topics": topics,
                                  "100_waiting": waiting[100], "1000_waiting": waiting[1000]}
        say(f"growth, CPU s per million: 12 partitions {base:.2f}, 120 partitions {wide:.2f} = {wide / base:.2f}; "
            f"10 topics {topics:.2f} = {topics / base:.2f}; 100 consumers waiting {waiting[100]:.2f}, 1,000 "
            f"{waiting[1000]:.2f} = {waiting[1000] / waiting[100]:.2f}")

    def idlers(self, server, topic: str, partitions: int, consumers: int, wait_ms: int, seconds: int):
        process = subprocess.Popen([self.build / "bench/idle_consumers", "fetch", str(server.port), topic,
                                    str(partitions), str(consumers), str(wait_ms), str(seconds)],
                                   stdout=subprocess.PIPE, text=True)
        time.sleep(1 + wait_ms / 1000 if wait_ms < 5000 else 3)
        return process

    def idle(self) -> None:
        """What waiting costs: nothing connected, 100 consumers, and 1,000 of them against a bare echo."""
        server = self.fresh("ours")
        server.start()
        seconds = self.arguments.seconds
        try:
            create(server.servers, {f"idle-{i}": 100 for i in range(10)})
            time.sleep(2)
            alone = self.share(server.pid(), seconds)
            hundred = self.share_with(server, self.idlers(server, "idle-0", 100, 100, 500, seconds + 5), seconds)
            thousand = self.share_with(server, self.idlers(server, "idle-0", 100, 1000, 500, seconds + 5), seconds)
            memory = resident_mib(server.pid())
        finally:
            server.stop()
        echo = subprocess.Popen([self.build / "bench/idle_consumers", "echo-server"], stdout=subprocess.PIPE, text=True)
        try:
            port = json.loads(echo.stdout.readline())["port"]
            client = subprocess.Popen([self.build / "bench/idle_consumers", "echo", str(port), "1000", "500",
                                       str(seconds + 5)], stdout=subprocess.PIPE, text=True)
            time.sleep(2)
            bare = self.share(echo.pid, seconds)
            client.wait()
        finally:
            echo.kill()
            echo.wait()
        self.results["idle"] = {"alone": alone, "consumers_100": hundred, "consumers_1000": thousand, "echo_1000": bare,
                                "peak_mib": memory}
        say(f"idle with 1,000 partitions: {alone:.2%} of a core; with 100 consumers (max_wait 500 ms) {hundred:.2%}; "
            f"with 1,000 consumers {thousand:.2%} = {thousand / bare:.2f} of a bare epoll echo at that rate "
            f"({bare:.2%}); peak {memory:.0f} MiB")

    def share(self, pid: int, seconds: int) -> float:
        before, started = ticks_of(Path(f"/proc/{pid}/stat")), time.monotonic()
        time.sleep(seconds)
        return (ticks_of(Path(f"/proc/{pid}/stat")) - before) / CLOCK_TICKS / (time.monotonic() - started)

    def share_with(self, server, client, seconds: int) -> float:
        try:
            return self.share(server.pid(), seconds)
        finally:
            client.kill()
            client.wait()


def create(servers: str, topics: dict) -> None:
    admin = AdminClient({"bootstrap.servers": servers})
    futures = admin.create_topics([NewTopic(name, partitions, 1) for name, partitions in topics.items()])
    for future in futures.values():
        future.result(60)


def rate(run: dict) -> dict:
    return {"records_per_s": run["records"] / run["seconds"]}


def median_of(runs: list) -> dict:
    return {key: None if any(run[key] is None for run in runs) else statistics.median(run[key] for run in runs)
            for key in runs[0]}


def run(folder: Path, build: Path, arguments) -> dict:
    bench = BrokerBench(folder, build, arguments)
    if bench.jars is None:
        say("Apache Kafka is not measured: " + ("--no-kafka" if arguments.no_kafka else
                                               "it needs java, mvn and Maven Central"))
    say(f"load of the machine before: {os.getloadavg()[0]:.1f}")
    for part in arguments.parts:
        getattr(bench, part)()
    return bench.results


if __name__ == "__main__":
    sys.exit("run me through ./x bench broker")
