"""The one scenario that every client runs, step by step; `STEPS` at the end is the list.

A step is a function of the world. It passes by returning, fails by raising, and is skipped with the client's own reason
by `Unsupported`. Each makes its own topics and groups, so that they depend on none before them.
"""

from adapter import Refused, Unsupported
from world import SHORT_SESSION_MS, World

TOPIC_ALREADY_EXISTS, UNKNOWN_TOPIC = 36, 3
MESSAGE_TOO_LARGE = 10
GROUP_NOT_EMPTY = 68
CODECS = ("none", "gzip", "snappy", "lz4", "zstd")
BASE_MS = 1_700_000_000_000


def check(condition, what) -> None:
    if not condition:
        raise AssertionError(what)


def expect_refusal(code: int, call) -> None:
    try:
        call()
    except Refused as refused:
        check(refused.code == code, f"refused with {refused} instead of code {code}")
    else:
        raise AssertionError(f"was taken; error {code} was due")


def records_of(count: int, **more) -> list:
    return [{"partition": 0, "key": f"k{i}", "value": f"v{i}", **more} for i in range(count)]


def fill(world: World, topic: str, count: int, partitions: int = 1) -> None:
    """A topic whose partition 0 holds so many records."""
    world.make_topic(topic, partitions)
    answer = world.main.do("produce", topic=topic, records=records_of(count))
    check(sorted(answer["offsets"]) == [[0, i] for i in range(count)], f"acknowledged {answer['offsets'][:5]} …")


def produce_at(world: World, topic: str, timestamp_ms: int) -> None:
    """One record of that time, by the client itself where it can."""
    records = [{**records_of(1)[0], "timestamp": timestamp_ms}]
    try:
        world.main.do("produce", topic=topic, records=records)
    except Unsupported:
        world.helper().do("produce", topic=topic, records=records)


# Topics and the cluster


def create_topic(world):
    def create():
        return world.main.do("create_topic", topic="made", partitions=4,
                             configs={"retention.ms": "86400000", "max.message.bytes": "100000"})
    create()
    expect_refusal(TOPIC_ALREADY_EXISTS, create)
    described = world.main.do("describe_topic", topic="made")
    check(described["partitions"] == 4, described)


def describe_configs(world):
    world.main.do("create_topic", topic="described", partitions=1, configs={"max.message.bytes": "100000"})
    configs = world.main.do("describe_configs", topic="described")["configs"]
    check(configs.get("max.message.bytes") == "100000", configs)
    check(len(configs.get("outbox.topic.id") or "") == 36, f"the topic's id, for clients that learn it in no other way: {configs}")


def alter_configs(world):
    world.main.do("create_topic", topic="altered", partitions=1, configs={"max.message.bytes": "100000"})
    world.main.do("alter_configs", topic="altered", configs={"max.message.bytes": "200000", "retention.ms": "3600000"})
    configs = world.main.do("describe_configs", topic="altered")["configs"]
    check((configs.get("max.message.bytes"), configs.get("retention.ms")) == ("200000", "3600000"), configs)


def add_partitions(world):
    fill(world, "grown", 10, partitions=2)
    world.main.do("add_partitions", topic="grown", total=5)
    described = world.main.do("describe_topic", topic="grown")
    check(described["partitions"] == 5, described)
    world.main.do("produce", topic="grown", records=[{"partition": 4, "key": None, "value": "new"}])
    check(world.main.do("fetch", topic="grown", partition=4, offset=0, count=1)["records"][0]["value"] == "new",
          "the new partition's record")


def describe_cluster(world):
    cluster = world.main.do("describe_cluster")
    check(len(cluster["nodes"]) == 1, cluster)
    check(cluster["controller"] == cluster["nodes"][0], cluster)


def delete_records(world):
    fill(world, "trimmed", 20)
    world.main.do("delete_records", topic="trimmed", partition=0, before=12)
    first = world.main.do("offsets", topic="trimmed", partition=0, at="earliest")["offset"]
    check(first == 12, f"begins at {first}")
    records = world.main.do("fetch", topic="trimmed", partition=0, offset=0, count=8)["records"]
    check([record["offset"] for record in records] == list(range(12, 20)), "reading from 0 goes on at the new start")


def recreate_topic(world):
    fill(world, "again", 10)
    world.main.do("delete_topic", topic="again")
    expect_refusal(UNKNOWN_TOPIC, lambda: world.main.do("delete_topic", topic="again"))
    world.main.do("create_topic", topic="again", partitions=1, configs={})
    answer = world.main.do("produce", topic="again", records=[{"partition": 0, "key": None, "value": "second life"}])
    check(answer["offsets"] == [[0, 0]], f"begins anew: {answer}")
    records = world.main.do("fetch", topic="again", partition=0, offset=0, count=1)["records"]
    check([record["value"] for record in records] == ["second life"], records)


# Records


def codec_step(codec: str):
    def step(world):
        topic = f"codec-{codec}"
        world.make_topic(topic, 1)
        sent = []
        for batch in ([{"partition": 0, "key": "k", "value": "repeat " * 20}], records_of(300)):
            world.main.do("produce", topic=topic, records=batch, codec=codec)
            sent += batch
        read = world.main.do("fetch", topic=topic, partition=0, offset=0, count=len(sent))["records"]
        check([r["value"] for r in read] == [r["value"] for r in sent], "what was read is not what was sent")
        check([r["offset"] for r in read] == list(range(len(sent))), "offsets")
    return step


def record_shapes(world):
    world.make_topic("shapes", 1)
    sent = [
        {"key": None, "value": "no key", "headers": []},
        {"key": "no value", "value": None, "headers": []},
        {"key": "", "value": "", "headers": []},
        {"key": "k", "value": "v", "headers": [["trace", "1"], ["empty", ""], ["ünï", "çödé"]]},
        {"key": "big", "value": "x" * 90_000, "headers": []},
    ]
    for record in sent:
        world.main.do("produce", topic="shapes", records=[{"partition": 0, **record}])
    read = world.main.do("fetch", topic="shapes", partition=0, offset=0, count=len(sent))["records"]
    for was, now in zip(sent, read, strict=True):
        if world.client.empty_is_null:
            was = {name: value or None if name in ("key", "value") else value for name, value in was.items()}
        now = {name: now[name] for name in was}
        check(now == was, f"sent {str(was)[:80]}, read {str(now)[:80]}")


def too_large(world):
    """A refusal that no repetition mends, and the next record arrives."""
    world.make_topic("narrow", 1)
    world.helper().do("alter_configs", topic="narrow", configs={"max.message.bytes": "10000"})
    large = [{"partition": 0, "key": None, "value": "x" * 20_000}]
    expect_refusal(MESSAGE_TOO_LARGE, lambda: world.main.do("produce", topic="narrow", records=large))
    answer = world.main.do("produce", topic="narrow", records=records_of(1))
    check(answer["offsets"] == [[0, 0]], f"nothing of the first: {answer}")


def idempotent_producer(world):
    world.make_topic("once", 1)
    answer = world.main.do("produce", topic="once", records=records_of(2_000), idempotent=True)
    check([offset for _, offset in answer["offsets"]] == list(range(2_000)), "acknowledged in order")
    read = world.main.do("fetch", topic="once", partition=0, offset=0, count=2_000)["records"]
    check([r["value"] for r in read] == [f"v{i}" for i in range(2_000)], "once and in order")


def offsets_by_time(world):
    world.make_topic("timed", 1)
    for i in range(5):
        produce_at(world, "timed", BASE_MS + 1_000 * i)

    def offset(at):
        return world.main.do("offsets", topic="timed", partition=0, at=at)["offset"]
    found = [offset("earliest"), offset(BASE_MS), offset(BASE_MS + 1_500), offset(BASE_MS + 4_000), offset("latest")]
    check(found == [0, 0, 2, 4, 5], found)
    beyond = offset(BASE_MS + 4_001)
    check(beyond in (-1, 5), f"past the last record: {beyond}")  # librdkafka names the end
    read = world.main.do("fetch", topic="timed", partition=0, offset=0, count=5)["records"]
    check([r["timestamp"] for r in read] == [BASE_MS + 1_000 * i for i in range(5)], "timestamps as sent")


def max_timestamp(world):
    world.make_topic("newest", 1)
    for at in (5, 9, 7):
        produce_at(world, "newest", BASE_MS + at)
    offset = world.main.do("offsets", topic="newest", partition=0, at="max_timestamp")["offset"]
    check(offset == 1, f"the newest record is at 1, not at {offset}")


# Groups


def commit_and_resume(world):
    world.make_topic("resumed", 1)
    group = world.group("resumed", "resumers", protocol="alone")
    for member in ("first", "second"):
        group.produce(50, partitions=1)
        group.join(member)
        group.wait_read()  # the checker finds what is read twice or skipped
        group.leave(member)
    group.finish()
    check(group.checker.counts == {"first": 50, "second": 50}, group.checker.counts)


def rebalance(world, protocol: str):
    """Members of two processes come, go and are killed; every record is read by its one owner."""
    topic, partitions = f"shared-{protocol}", 6
    world.make_topic(topic, partitions)
    group = world.group(topic, f"{protocol}-group", protocol=protocol)
    group.join("a")
    group.wait_shares(a=6)
    group.produce(300, partitions)
    group.wait_read()
    other = world.new_adapter()
    group.join("b", other, session_ms=SHORT_SESSION_MS)
    group.join("c")
    group.produce(300, partitions)  # while they share anew
    group.wait_shares(a=2, b=2, c=2)
    group.produce(300, partitions)
    group.wait_read()
    group.leave("a")
    group.produce(300, partitions)
    group.wait_shares(b=3, c=3)
    group.join("d")
    group.wait_shares(b=2, c=2, d=2)
    group.produce(300, partitions)
    group.wait_read()
    group.kill("b")
    group.produce(300, partitions)
    group.wait_shares(c=3, d=3)
    group.wait_read()
    group.finish()
    check(group.checker.rebalances >= 8, f"only {group.checker.rebalances} assignments: too few to prove anything")
    check(all(group.checker.counts.get(member) for member in "abcd"), group.checker.counts)


def eager_group(world):
    rebalance(world, "eager")


def cooperative_group(world):
    rebalance(world, "cooperative")


def static_members(world):
    """A static member is killed and comes back under its name, then leaves and comes back: same share, and the other one
    notices nothing."""
    world.make_topic("kept", 6)
    group = world.group("kept", "static-group")
    other = world.new_adapter()
    group.join("a", instance="one")
    group.join("b", other, instance="two")
    group.wait_shares(a=3, b=3)
    group.produce(60, 6)
    group.wait_read()
    before = group.checker.owned_by("b")
    group.kill("b")
    quiet_since = len(group.log)
    again = world.new_adapter()
    for back, end in (("b2", group.leave), ("b3", lambda _: None)):
        group.join(back, again, instance="two")
        group.wait_shares(a=3, **{back: 3})
        group.produce(60, 6)
        group.wait_read()
        check(group.checker.owned_by(back) == before, "the share stayed")
        end(back)
    moved = [e for e in group.log[quiet_since:]
             if e["member"] == "a" and e["event"] in ("assigned", "revoked", "lost") and e["partitions"]]
    check(not moved, f"the other member was disturbed: {moved}")
    group.finish()


def list_groups(world):
    with running_group(world, "listed"):
        check("listed" in world.main.do("list_groups")["groups"], "the group is not listed")


def describe_group(world):
    with running_group(world, "told"):
        described = world.main.do("describe_group", group="told")
        check(described["state"].lower() == "stable" and described["members"] == 1, described)
    described = world.main.do("describe_group", group="told")
    check(described["state"].lower() == "empty" and described["members"] == 0, described)


def group_offsets(world):
    with running_group(world, "read"):
        pass
    offsets = world.main.do("group_offsets", group="read", topic="read")["offsets"]
    check({int(p): o for p, o in offsets.items() if o >= 0} == {0: 10, 1: 10}, offsets)


def delete_offsets(world):
    with running_group(world, "forgotten"):
        pass
    world.main.do("delete_offsets", group="forgotten", topic="forgotten", partitions=[1])
    offsets = world.main.do("group_offsets", group="forgotten", topic="forgotten")["offsets"]
    check({int(p): o for p, o in offsets.items() if o >= 0} == {0: 10}, offsets)


def delete_group(world):
    with running_group(world, "gone"):
        expect_refusal(GROUP_NOT_EMPTY, lambda: world.main.do("delete_group", group="gone"))
    world.main.do("delete_group", group="gone")
    if "gone" in world.main.do("list_groups")["groups"]:
        raise AssertionError("the group is still listed")


class running_group:
    """A group of one member that has read and committed ten records of each of two partitions."""

    def __init__(self, world, name):
        world.make_topic(name, 2)
        self._world, self._name = world, name
        self._group = world.group(name, name, protocol="alone")

    def __enter__(self):
        self._group.produce(20, 2)
        self._group.join("only")
        self._group.wait_read()

    def __exit__(self, *_):
        self._group.finish()
        try:  # some clients do not wait for the answer to their goodbye
            self._group.wait("an empty group", self._empty)
        except Unsupported:
            pass

    def _empty(self):
        return self._world.main.do("describe_group", group=self._name)["members"] == 0


# Faults


def broker_killed(world):
    """SIGKILL of the broker under a producer and a group of two; the clients must come through by themselves."""
    world.make_topic("survivors", 4)
    group = world.group("survivors", "survivors")
    group.join("a")
    group.join("b")
    group.wait_shares(a=2, b=2)
    group.produce(200, 4)
    group.wait_read()
    for _ in range(2):
        before = sum(group.checker.counts.values())
        pending = world.main.send("produce", topic="survivors", idempotent=world.client.idempotent,
                                  records=[{"partition": i % 4, "key": None, "value": f"w{i}"} for i in range(4_000)])
        group.wait("the first of them", lambda: sum(group.checker.counts.values()) > before)
        world.broker.kill()
        group.restarted()
        world.broker.start()
        group.produced(world.main.answer(pending))
        group.restarted()
        group.wait_read()
        group.wait_shares(a=2, b=2)
    group.finish()


STEPS = {
    "create topic": create_topic,
    "describe configs": describe_configs,
    "alter configs": alter_configs,
    "add partitions": add_partitions,
    "describe cluster": describe_cluster,
    "delete records": delete_records,
    "delete, make anew": recreate_topic,
    **{f"codec {codec}": codec_step(codec) for codec in CODECS},
    "headers and nulls": record_shapes,
    "too large a record": too_large,
    "idempotent producer": idempotent_producer,
    "offsets by time": offsets_by_time,
    "max timestamp": max_timestamp,
    "commit and resume": commit_and_resume,
    "eager group": eager_group,
    "cooperative group": cooperative_group,
    "static members": static_members,
    "list groups": list_groups,
    "describe group": describe_group,
    "group offsets": group_offsets,
    "delete offsets": delete_offsets,
    "delete group": delete_group,
    "broker killed": broker_killed,
}
