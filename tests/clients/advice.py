"""The commands that the broker itself names, in its log and in broker/README.md, run word for word with Apache Kafka's
tools in the very state that they are meant for."""

import json
import re
import shlex
import subprocess
import tempfile
import urllib.request
from pathlib import Path

from scenario import check
from world import DEADLINE_S, ROOT, World, wait_for

TOOL_S = 120
# What the scripts of Apache Kafka's bin/ run.
SCRIPTS = {
    "kafka-configs.sh": "kafka.admin.ConfigCommand",
    "kafka-consumer-groups.sh": "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand",
    "kafka-delete-records.sh": "org.apache.kafka.tools.DeleteRecordsCommand",
}
SMALL = """
[storage]
segment = "1MiB"
total_max = "4MiB"
retention_interval = "100ms"
"""
VALUE_BYTES = 50_000
SOME, TOO_MANY = 60, 160  # records: three quarters of the room, twice the room


def records(count: int) -> list:
    return [{"partition": 0, "key": None, "value": "x" * VALUE_BYTES} for _ in range(count)]


def run_literally(world: World, command: str) -> str:
    script, *arguments = shlex.split(command)
    done = subprocess.run([*map(str, world.client.argv), SCRIPTS[script], *arguments], cwd=world.folder,
                          capture_output=True, text=True, timeout=TOOL_S)
    check(done.returncode == 0, f"{command}\nended with {done.returncode}: {done.stdout[-600:]} {done.stderr[-600:]}")
    return done.stdout


def advice(world: World) -> str:
    """The command at the end of `next` in the line that says that there is no room; empty before it has come."""
    for line in world.broker.log.read_text().splitlines():
        said = json.loads(line) if line.startswith("{") else {}
        if said.get("event", "").startswith("no room"):
            found = re.search(r"kafka-[a-z-]+\.sh .*", said["next"])
            check(found, f"no command in {said['next']!r}")
            return found.group()
    return ""


def has_seen(world: World, topic: str, size: int) -> bool:
    """Whether retention's last pass found so many bytes: what is written after it is not in its advice."""
    with urllib.request.urlopen(f"http://{world.broker.admin}/statusz", timeout=10) as answer:
        report = json.load(answer).get("retention", {"topics": []})  # not there before the first pass
    return any(one["topic"] == topic and one["bytes"] >= size for one in report["topics"])


def with_two_records(world: World, topic: str, readers: dict, **configs):
    """The topic, and each reader's group at its two records: one that goes on reading (True) or has left."""
    helper = world.helper()
    helper.do("create_topic", topic=topic, partitions=1, configs=configs)
    helper.do("produce", topic=topic, records=records(2))
    for name, goes_on in readers.items():
        group = world.group(topic, name)
        group.ends = {0: 2}
        group.join("member of " + name, helper)
        group.wait_read()
        if not goes_on:
            group.leave("member of " + name)
    helper.do("alter_configs", topic=topic, configs={"retention.ms": "1", **configs})  # not before all have begun


def follow(expected: str, readers: dict, **configs):
    """A step: a disk that is full because of these groups, the command that the log then names, and room again."""
    def step(world):
        folder = Path(tempfile.mkdtemp(dir=world.folder))
        with World(folder, world.program, world.client, config=SMALL) as full:
            with_two_records(full, "orders", readers, **configs)
            full.helper().do("produce", topic="orders", records=records(SOME))
            wait_for("a pass of retention", lambda: has_seen(full, "orders", SOME * VALUE_BYTES), DEADLINE_S)
            pending = full.helper().send("produce", topic="orders", records=records(TOO_MANY))
            wait_for("the refusal", lambda: advice(full), DEADLINE_S)
            command = advice(full)
            check(command.endswith(expected), f"{command!r} instead of … {expected}")
            run_literally(full, command)
            offsets = full.helper().answer(pending)["offsets"]  # which was refused until then
            check(len(offsets) == TOO_MANY, offsets[:3])
    return step


def readme(world):
    """The block of commands under "Retention" in broker/README.md."""
    text = (ROOT / "broker" / "README.md").read_text()
    commands = [line for line in text.splitlines() if re.match(r"kafka-\S+\.sh .*HOST:9092", line)]
    check(len(commands) >= 4, commands)
    helper = world.helper()
    for topic in ("orders", "audit", "other"):
        with_two_records(world, topic, {"old": False})
    (world.folder / "up-to.json").write_text(
        '{"version": 1, "partitions": [{"topic": "orders", "partition": 0, "offset": -1}]}')
    for command in commands:
        run_literally(world, command.replace("HOST:9092", world.bootstrap))
    check("old" not in helper.do("list_groups")["groups"], "the group is still there")
    check(helper.do("describe_configs", topic="audit")["configs"]["outbox.retention"] == "time", "outbox.retention")
    check(helper.do("offsets", topic="orders", partition=0, at="earliest")["offset"] == 2, "records are still there")


ADVICE_STEPS = {
    "commands of the log: unread": follow("--entity-name orders --add-config outbox.retention=time", {}),
    "commands of the log: its only group": follow("--entity-name orders --add-config outbox.retention=time",
                                                  {"late": False}),
    "commands of the log: one group of several": follow("--delete-offsets --group 'late one' --topic orders",
                                                        {"late one": False, "quick": True}),
    "commands of the log: the only required group": follow(
        "--entity-name orders --delete-config outbox.required.groups", {"quick": True},
        **{"outbox.required.groups": "audit"}),
    "commands of the log: a required group of several": follow(
        "--entity-name orders --add-config 'outbox.required.groups=[quick]'", {"quick": True},
        **{"outbox.required.groups": "audit,quick"}),
    "commands of the README": readme,
}
