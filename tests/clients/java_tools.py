"""Apache Kafka's own command line tools against the bundled broker: exit codes and what they print."""

import re
import subprocess

from advice import ADVICE_STEPS
from scenario import check

TOOL_S = 120
DONE = 0


class Tools:
    """Runs a tool's class as the shell scripts of Apache Kafka do."""

    def __init__(self, world):
        self._world = world

    def __call__(self, tool: str, *arguments, exit_code=DONE, servers=True) -> str:
        name = tool if tool.startswith("kafka.") else "org.apache.kafka.tools." + tool
        argv = [*map(str, self._world.client.argv), name]
        argv += ["--bootstrap-server", self._world.bootstrap] if servers else []
        done = subprocess.run([*argv, *map(str, arguments)], capture_output=True, text=True, timeout=TOOL_S)
        check(done.returncode == exit_code,
              f"{tool} ended with {done.returncode}: {done.stdout[-600:]} {done.stderr[-600:]}")
        return done.stdout


def expect(output: str, *patterns: str) -> None:
    for pattern in patterns:
        check(re.search(pattern, output, re.M), f"no {pattern!r} in {output[:800]!r}")


def api_versions(world):
    expect(Tools(world)("BrokerApiVersionsCommand"), r"Produce\(0\): 0 to 1\d", r"ApiVersions\(18\)")


def topics(world):
    run = Tools(world)
    run("TopicCommand", "--create", "--topic", "tooled", "--partitions", 3, "--config", "max.message.bytes=100000")
    run("TopicCommand", "--create", "--topic", "tooled", "--partitions", 3, exit_code=1)
    run("TopicCommand", "--create", "--topic", "tooled", "--if-not-exists")
    expect(run("TopicCommand", "--list"), r"^tooled$")
    expect(run("TopicCommand", "--describe", "--topic", "tooled"), r"PartitionCount: 3", r"max.message.bytes=100000",
           r"Leader: 1")
    run("TopicCommand", "--alter", "--topic", "tooled", "--partitions", 5)
    expect(run("TopicCommand", "--describe", "--topic", "tooled"), r"PartitionCount: 5")
    run("TopicCommand", "--delete", "--topic", "tooled")
    check("tooled" not in run("TopicCommand", "--list"), "deleted, and still listed")


def configs(world):
    run = Tools(world)
    run("TopicCommand", "--create", "--topic", "set", "--partitions", 1)
    topic = ["--entity-type", "topics", "--entity-name", "set"]
    run("kafka.admin.ConfigCommand", *topic, "--alter", "--add-config", "retention.ms=3600000")
    expect(run("kafka.admin.ConfigCommand", *topic, "--describe"), r"retention.ms=3600000")
    run("kafka.admin.ConfigCommand", *topic, "--alter", "--delete-config", "retention.ms")
    check("retention.ms=3600000" not in run("kafka.admin.ConfigCommand", *topic, "--describe"), "still set")


def performance(world):
    run = Tools(world)
    expect(run("ProducerPerformance", "--topic", "measured", "--num-records", 5_000, "--record-size", 200,
               "--throughput", -1, "--producer-props", f"bootstrap.servers={world.bootstrap}", "acks=all",
               servers=False), r"^5000 records sent")
    expect(run("ConsumerPerformance", "--topic", "measured", "--messages", 5_000, "--timeout", 60_000),
           r", 5000, ")
    counted = run("GetOffsetShell", "--topic", "measured", "--time", "-1")
    ends = [int(line.rsplit(":", 1)[1]) for line in counted.splitlines() if line.startswith("measured:")]
    check(sum(ends) == 5_000, counted)


def delete_records(world):
    run = Tools(world)
    run("VerifiableProducer", "--topic", "cut", "--max-messages", 100, servers=True)
    where = world.folder / "delete.json"
    where.write_text('{"version": 1, "partitions": [{"topic": "cut", "partition": 0, "offset": -1}]}')
    expect(run("DeleteRecordsCommand", "--offset-json-file", where), r"low_watermark: \d+")
    early = run("GetOffsetShell", "--topic-partitions", "cut:0", "--time", "earliest")
    late = run("GetOffsetShell", "--topic-partitions", "cut:0", "--time", "latest")
    check(early == late, f"{early} instead of {late}")


def verifiable(world):
    run = Tools(world)
    produced = run("VerifiableProducer", "--topic", "verified", "--max-messages", 200)
    check(produced.count("producer_send_success") == 200, produced[-400:])
    consumed = run("VerifiableConsumer", "--topic", "verified", "--group-id", "verifiers", "--max-messages", 200,
                   "--reset-policy", "earliest")
    counts = [int(number) for number in re.findall(r'"name":"records_consumed".*?"count":(\d+)|"count":(\d+)',
                                                   consumed) for number in number if number]
    check(sum(counts) >= 200, consumed[-400:])
    check("partitions_assigned" in consumed, consumed[:400])


def groups(world):
    run = Tools(world)
    run("VerifiableProducer", "--topic", "watched", "--max-messages", 50)
    run("VerifiableConsumer", "--topic", "watched", "--group-id", "watchers", "--max-messages", 50,
        "--reset-policy", "earliest")
    command = "consumer.group.ConsumerGroupCommand"
    expect(run(command, "--list"), r"^watchers$")
    expect(run(command, "--describe", "--group", "watchers"), r"watchers\s+watched\s+\d+\s+\d+\s+\d+\s+0")
    expect(run(command, "--describe", "--group", "watchers", "--state"), r"Empty")
    expect(run(command, "--reset-offsets", "--group", "watchers", "--topic", "watched", "--to-earliest",
               "--execute"), r"watchers\s+watched\s+\d+\s+0")
    run(command, "--delete-offsets", "--group", "watchers", "--topic", "watched")
    run(command, "--delete", "--group", "watchers")
    check("watchers" not in run(command, "--list"), "deleted, and still listed")


TOOL_STEPS = {
    "kafka-broker-api-versions": api_versions,
    "kafka-topics": topics,
    "kafka-configs": configs,
    "kafka-producer-perf-test, kafka-consumer-perf-test, kafka-get-offsets": performance,
    "kafka-verifiable-producer, kafka-verifiable-consumer": verifiable,
    "kafka-delete-records": delete_records,
    "kafka-consumer-groups": groups,
    **ADVICE_STEPS,
}
