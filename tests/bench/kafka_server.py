"""Apache Kafka from Maven Central, to compare the bundled broker with. One node, KRaft, everything at its defaults but
the addresses; `flush` makes it flush before it acknowledges, as ours does."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from ports import free_port
from processes import Child, accepts_connections, wait_for

HERE = Path(__file__).resolve().parent
PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller_port}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
controller.listener.names=CONTROLLER
log.dirs={folder}/log
num.partitions=12
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
{flush}
"""
LOG4J = """\
Configuration:
  Appenders:
    Console:
      name: STDERR
      target: SYSTEM_ERR
      PatternLayout: {pattern: "%d %p %m%n"}
  Loggers:
    Root:
      level: warn
      AppenderRef: {ref: STDERR}
"""


def classpath(build: Path) -> "str | None":
    """The jars, fetched once into the build folder; none: this machine has no Java, or Maven Central is not reached."""
    folder = build / "kafka"
    ready = folder / "classpath.txt"
    if not shutil.which("java") or not shutil.which("mvn"):
        return None
    if not ready.exists() or (folder / "pom.xml").read_bytes() != (HERE / "kafka/pom.xml").read_bytes():
        print("fetching Apache Kafka from Maven Central; some minutes, once", file=sys.stderr)
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(HERE / "kafka/pom.xml", folder / "pom.xml")
        done = subprocess.run(["mvn", "-q", "-B", "dependency:build-classpath", "-Dmdep.outputFile=classpath.part"],
                              cwd=folder, capture_output=True, text=True)
        if done.returncode != 0:
            (folder / "pom.xml").unlink()
            print(f"no Apache Kafka: {done.stdout.strip().splitlines()[-1:]}", file=sys.stderr)
            return None
        (folder / "classpath.part").rename(ready)
    return ready.read_text().strip()


class Kafka:
    """A folder, a port and a process that can be killed and started again."""

    def __init__(self, jars: str, folder: Path, flush: bool):
        self.folder, self.port, self._jars = folder, free_port(), jars
        self.servers = f"127.0.0.1:{self.port}"
        folder.mkdir(parents=True)
        (folder / "log4j2.yaml").write_text(LOG4J)
        (folder / "server.properties").write_text(PROPERTIES.format(
            port=self.port, controller_port=free_port(), folder=folder,
            flush="log.flush.interval.messages=1" if flush else ""))
        self.child = Child("kafka", [*self._java(), "kafka.Kafka", folder / "server.properties"], folder / "server.log")

    def _java(self) -> list:
        return ["java", "-Xms1g", "-Xmx1g", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20",
                f"-Dlog4j2.configurationFile={self.folder}/log4j2.yaml", "-cp", self._jars]

    def format(self) -> None:
        tool = [*self._java(), "kafka.tools.StorageTool"]
        cluster = subprocess.run([*tool, "random-uuid"], capture_output=True, text=True, check=True).stdout.split()[-1]
        subprocess.run([*tool, "format", "-t", cluster, "-c", self.folder / "server.properties"], check=True,
                       capture_output=True)

    def start(self, wait: bool = True) -> None:
        if not (self.folder / "log").exists():
            self.format()
        self.child.start()
        if wait:
            wait_for("kafka", lambda: self.child.check() or accepts_connections(self.port), 120)

    def pid(self) -> int:
        return self.child.pid()

    def kill(self) -> None:
        self.child.kill()

    def stop(self) -> None:
        self.child.stop(60)
        if not os.environ.get("OUTBOX_KEEP_TEMP"):
            shutil.rmtree(self.folder, ignore_errors=True)
