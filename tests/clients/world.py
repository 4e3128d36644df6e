"""What the steps of the scenario stand on: one broker, the client's adapters, and the events of its group members."""

import json
import os
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "deploy" / "demo"))  # after our own modules, so that none of theirs hides one

from ports import free_port  # noqa: E402  (needs the path above)
from processes import Child, accepts_connections, wait_for  # noqa: E402

from adapter import Adapter, Unsupported  # noqa: E402
from rebalance import Checker  # noqa: E402
from recorder import UNRECORDED, Recorder  # noqa: E402

DEADLINE_S = 120
# Long for members that live, so that a machine that stands still for seconds cuts none of them off; short for those
# that are to be killed, because their partitions are waited for.
LIVE_SESSION_MS, SHORT_SESSION_MS = 45_000, 10_000


class Broker(Child):
    """Runs on ports of its own, with its data and its log in the folder."""

    def __init__(self, program: Path, folder: Path, port: int, advertised: int | None = None, config: str = ""):
        self.address = f"127.0.0.1:{advertised or port}"
        self.admin = f"127.0.0.1:{free_port()}"
        self.log = folder / "broker.log"
        self._port = port
        settings = folder / "broker.toml"
        settings.write_text(config)
        super().__init__("broker", [program, "--config", settings, "--data-dir", folder / "data",
                                    "--listen", f"127.0.0.1:{port}", "--advertise", self.address,
                                    "--admin-listen", self.admin], self.log)

    def start(self) -> None:
        super().start()
        wait_for("the broker", lambda: self.check() or accepts_connections(self._port), DEADLINE_S)


class World:
    def __init__(self, folder: Path, broker: Path, client, record: Path | None = None, config: str = ""):
        folder.mkdir(exist_ok=True)
        self.folder, self.client, self.program = folder, client, broker
        port, advertised = free_port(), None
        self._recorder = None
        if record is not None:
            self._recorder = Recorder(port, record, client.title)
            advertised = self._recorder.port
        self.broker = Broker(broker, folder, port, advertised, config)
        self.bootstrap = self.broker.address
        self._adapters = []
        self._helper = None
        self.main = None

    def __enter__(self):
        self.broker.start()
        self.main = self._main_adapter()
        return self

    def __exit__(self, *_):
        for adapter in self._adapters:
            adapter.close()
        self.broker.stop()
        if self._recorder is not None:
            self._recorder.close()

    def begin_anew(self) -> None:
        """After a step that failed: without the members that it left behind."""
        for adapter in self._adapters:
            adapter.kill()
        self._adapters, self._helper, self.main = [], None, None
        if not self.broker.alive():
            self.broker.start()
        self.main = self._main_adapter()

    def _main_adapter(self) -> Adapter | None:
        return None if self.client.tools else self.new_adapter()

    @property
    def events(self) -> Path:
        return self.folder / "events"

    def new_adapter(self, client=None) -> Adapter:
        """Another process of the same client, where it may have several, or of another one."""
        client = client or self.client
        if self.main is not None and client.one_process:
            return self.main
        return self._adapter(client.argv, "client.log", client.environment)

    def _adapter(self, argv: list, log: str, environment: dict) -> Adapter:
        adapter = Adapter(argv, self.bootstrap, self.events, self.folder / log, {**os.environ, **environment})
        self._adapters.append(adapter)
        return adapter

    def helper(self) -> Adapter:
        """Debian's librdkafka, for what the client cannot do and what is none of its business."""
        if self._helper is None:
            program = Path(__file__).parent / "python" / "confluent.py"
            self._helper = self._adapter(["/usr/bin/python3", program], "helper.log", {"CLIENT_ID": UNRECORDED})
        return self._helper

    def make_topic(self, topic: str, partitions: int) -> None:
        """By the client itself where it can."""
        try:
            self.main.do("create_topic", topic=topic, partitions=partitions, configs={})
        except Unsupported:
            self.helper().do("create_topic", topic=topic, partitions=partitions, configs={})

    def group(self, topic: str, name: str, **options) -> "Group":
        return Group(self, topic, name, options)


class Group:
    """Members of one consumer group over one topic, and the checker that watches them."""

    def __init__(self, world: World, topic: str, name: str, options: dict):
        self.world, self.topic, self.name = world, topic, name
        self.checker = Checker()
        self.ends = {}
        self.log = []  # every event so far
        self._options = {"protocol": "eager", "session_ms": LIVE_SESSION_MS, **options}
        self._members = {}  # name -> adapter
        self._static = set()
        self._acknowledged = set()
        world.events.touch()
        self._events = world.events.open("rb")
        self._events.seek(0, 2)

    def join(self, member: str, adapter: Adapter | None = None, **options) -> None:
        adapter = adapter or self.world.main
        self._members[member] = adapter
        if "instance" in options:
            self._static.add(member)
        adapter.do("join", member=member, group=self.name, topic=self.topic, **{**self._options, **options})

    def leave(self, member: str) -> None:
        self._members.pop(member).do("leave", member=member)
        if member in self._static:
            self._note({"event": "away", "member": member})
        self.look()

    def kill(self, member: str) -> None:
        """SIGKILL to the member's process, which has no other members."""
        adapter = self._members.pop(member)
        if self.world.client.one_process:
            adapter.do("kill_member", member=member)
        else:
            adapter.kill()
            self._note({"event": "killed", "member": member})

    def produce(self, count: int, partitions: int, **options) -> None:
        records = [{"partition": i % partitions, "key": f"k{i}", "value": f"v{i}"} for i in range(count)]
        self.produced(self.world.main.do("produce", topic=self.topic, records=records, **options))

    def produced(self, answer: dict) -> None:
        for partition, offset in answer["offsets"]:
            if (partition, offset) in self._acknowledged:
                raise AssertionError(f"acknowledged twice: offset {offset} of partition {partition}")
            self._acknowledged.add((partition, offset))
            self.ends[partition] = max(self.ends.get(partition, 0), offset + 1)

    def restarted(self) -> None:
        self._note({"event": "restarted"})

    def look(self) -> None:
        """Feeds the checker what has happened since the last look."""
        while True:
            start = self._events.tell()
            line = self._events.readline()
            if not line.endswith(b"\n"):
                self._events.seek(start)
                return
            event = json.loads(line)
            if event["group"] == self.name:
                self.log.append(event)
                self.checker.feed(event)

    def wait(self, what: str, condition) -> None:
        end = time.monotonic() + DEADLINE_S
        while not condition():
            if self.checker.faults:
                raise AssertionError("; ".join(self.checker.faults[:5]))
            if time.monotonic() > end:
                raise AssertionError(f"{what}: not within {DEADLINE_S} s; owners {self.checker.owners}, read "
                                     f"{ {p: self.checker.read_up_to(p) for p in self.ends} } of {self.ends}")
            time.sleep(0.02)
            self.look()

    def wait_shares(self, **shares) -> None:
        """Until each named member owns so many partitions."""
        self.wait(f"shares {shares}",
                  lambda: all(len(self.checker.owned_by(member)) == share for member, share in shares.items()))

    def wait_even(self, partitions: int) -> None:
        """Until all members share so many partitions evenly."""
        def even():
            shares = [len(self.checker.owned_by(member)) for member in self._members]
            return sum(shares) == partitions and max(shares) - min(shares) <= 1
        self.wait(f"even shares of {list(self._members)}", even)

    def wait_read(self) -> None:
        self.wait("reading", lambda: all(self.checker.read_up_to(p) >= end for p, end in self.ends.items()))

    def finish(self) -> None:
        for member in list(self._members):
            self.leave(member)
        faults = self.checker.finish(self.ends)
        assert not faults, "; ".join(faults[:5])

    def _note(self, event: dict) -> None:
        with self.world.events.open("ab") as events:
            events.write((json.dumps({"group": self.name, **event}) + "\n").encode())
        self.look()
