"""Clients of two kinds in one group, while members come, go and are killed, and the broker is killed twice, once in the
middle of a rebalance; rebalance.py judges."""

from scenario import check
from world import SHORT_SESSION_MS, World

PARTITIONS = 12


def mixed(world: World, topic: str, ours: str, theirs: str) -> None:
    """Members r… are of the client itself, j… of the other one; each in a process of its own."""
    world.make_topic(topic, PARTITIONS)
    group = world.group(topic, topic)

    def join(member, **options):
        other = member.startswith("j")
        group.join(member, world.new_adapter(world.client.other if other else None),
                   protocol=theirs if other else ours, **options)

    def while_producing(*changes):
        """Records come all the while; then every one has been read, and the shares are even."""
        records = [{"partition": i % PARTITIONS, "key": None, "value": f"v{i}"} for i in range(3_000)]
        pending = world.main.send("produce", topic=topic, records=records, idempotent=True)
        for change in changes:
            change()
        group.produced(world.main.answer(pending))
        group.wait_even(PARTITIONS)
        group.wait_read()

    def kill_broker():
        world.broker.kill()
        group.restarted()
        world.broker.start()

    while_producing(lambda: join("r1"), lambda: join("j1"))
    while_producing(lambda: join("r2", session_ms=SHORT_SESSION_MS), lambda: join("j2", session_ms=SHORT_SESSION_MS))
    while_producing(lambda: group.leave("r1"))
    while_producing(lambda: join("r3"))
    while_producing(lambda: group.kill("j2"))
    while_producing(lambda: join("j3"), lambda: group.kill("r2"))
    while_producing(kill_broker)
    group.restarted()
    while_producing(lambda: group.leave("j1"), lambda: join("r4"))
    while_producing(lambda: join("j4"), kill_broker)
    group.restarted()
    while_producing(lambda: group.leave("r3"))
    group.finish()
    check(all(group.checker.counts.get(member) for member in ("r1", "r2", "r3", "r4", "j1", "j2", "j3", "j4")),
          group.checker.counts)


def eager(world):
    """Java's members offer the cooperative way, too: what all have in common is chosen."""
    mixed(world, "mixed-eager", "eager", "either")


def cooperative(world):
    mixed(world, "mixed-cooperative", "cooperative", "cooperative")


MIXED_STEPS = {"mixed eager group": eager, "mixed cooperative group": cooperative}
