"""The clients: their versions, how each comes onto this machine, once, below one folder, and how it is started.

Debian's packages are there already (scripts/packages.txt). The others come from their own registries, pinned here, in
go.mod with go.sum, package-lock.json and pom.xml.
"""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent
DEBIAN_PYTHON = "/usr/bin/python3"


class Missing(Exception):
    """What this machine lacks, in a sentence's end."""


@dataclass(frozen=True)
class Installed:
    title: str
    argv: list
    environment: dict = field(default_factory=dict)
    idempotent: bool = True  # has an idempotent producer
    empty_is_null: bool = False  # reads an empty key or value as none
    one_process: bool = False  # its adapter kills members by itself
    steps: str = "all"  # which: all, of tools (java_tools.py) or of a mixed group (mixed.py)
    cannot: dict = field(default_factory=dict)  # step -> why it is not even tried
    other: object = None  # the other client of a mixed group

    @property
    def tools(self) -> bool:
        """Programs of their own instead of an adapter."""
        return self.steps == "tools"


@dataclass(frozen=True)
class Client:
    title: str  # name and version, as captures are called
    install_to: object  # folder -> argv
    environment: dict = field(default_factory=dict)
    idempotent: bool = True
    empty_is_null: bool = False
    one_process: bool = False
    steps: str = "all"
    cannot: dict = field(default_factory=dict)
    other: str = ""  # a key of CLIENTS

    def install(self, folder: Path) -> Installed:
        other = CLIENTS[self.other].install(folder) if self.other else None
        folder.mkdir(parents=True, exist_ok=True)
        kind = self.install_to.__qualname__.split(".")[0]
        with (folder / f"lock-{kind}").open("w") as lock:  # tests run side by side
            fcntl.flock(lock, fcntl.LOCK_EX)
            return Installed(self.title, self.install_to(folder), self.environment, self.idempotent,
                             self.empty_is_null, self.one_process, self.steps, self.cannot, other)


def debian(program: str, needs: str):
    def install(_: Path) -> list:
        found = subprocess.run([DEBIAN_PYTHON, "-c", needs], capture_output=True)
        if found.returncode != 0:
            raise Missing("a Debian package of scripts/packages.txt: " + found.stderr.decode().strip()[-120:])
        return [DEBIAN_PYTHON, HERE / "python" / program]
    return install


def pypi(program: str, *requirements: str):
    """A virtual environment of its own; OUTBOX_VENV is used where it has the very versions."""
    def install(folder: Path) -> list:
        shared = os.environ.get("OUTBOX_VENV")
        if shared and set(requirements) <= set((Path(shared) / "requirements.txt").read_text().split()):
            return [Path(shared) / "bin/python", HERE / "python" / program]
        venv = folder / ("venv-" + fingerprint(*requirements))
        if not (venv / "done").exists():
            shutil.rmtree(venv, ignore_errors=True)
            run([DEBIAN_PYTHON, "-m", "venv", venv])
            run([venv / "bin/pip", "install", "--quiet", "--disable-pip-version-check", *requirements])
            (venv / "done").touch()
        return [venv / "bin/python", HERE / "python" / program]
    return install


def go(package: str):
    def install(folder: Path) -> list:
        wanted = re.search(r"^go (\d+)\.(\d+)", (HERE / "go/go.mod").read_text(), re.M)
        need("go", ["go", "env", "GOVERSION"], r"go(\d+)\.(\d+)", tuple(map(int, wanted.groups())))
        environment = {**os.environ, "GOPATH": str(folder / "gopath"), "GOFLAGS": "-modcacherw", "GOTOOLCHAIN": "local"}
        run(["go", "build", "-o", folder / package, "./" + package], HERE / "go", environment)
        return [folder / package]
    return install


def npm(program: str):
    def install(folder: Path) -> list:
        need("node", ["node", "--version"], r"v(\d+)\.(\d+)", (18, 0))
        need("npm", ["npm", "--version"], r"(\d+)\.(\d+)", (8, 0))
        lock = (HERE / "node/package-lock.json").read_bytes()
        target = folder / ("node-" + hashlib.sha256(lock).hexdigest()[:12])
        if not (target / "done").exists():
            target.mkdir(exist_ok=True)
            for name in ("package.json", "package-lock.json"):
                shutil.copy(HERE / "node" / name, target)
            run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error",
                 "--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=5000"], target)
            (target / "done").touch()
        shutil.copy(HERE / "node" / program, target)
        return ["node", target / program]
    return install


def maven(main: str, version: str, *profile: str):
    def install(folder: Path) -> list:
        need("javac", ["javac", "-version"], r"javac (\d+)\.(\d+)", (17, 0))
        need("mvn", ["mvn", "--version"], r"Maven (\d+)\.(\d+)", (3, 6))
        sources = sorted((HERE / "java").iterdir())
        target = folder / (f"java-{version}-" + fingerprint(*profile, *[source.read_text() for source in sources]))
        if not (target / "done").exists():
            target.mkdir(exist_ok=True)
            run(["mvn", "--batch-mode", "--quiet", "-f", HERE / "java/pom.xml", *profile, f"-Dkafka.version={version}",
                 f"-Dmaven.repo.local={folder / 'maven'}", "dependency:build-classpath",
                 f"-Dmdep.outputFile={target / 'classpath'}"])
            run(["javac", "-d", target, "-cp", (target / "classpath").read_text(),
                 *[source for source in sources if source.suffix == ".java"]])
            (target / "done").touch()
        return ["java", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx256m", "-cp",
                f"{target}:{(target / 'classpath').read_text()}", *([main] if main else [])]
    return install


def maven_tools(version: str):
    return maven("", version, "-Ptools")


def need(program: str, question: list, answer: str, least: tuple) -> None:
    """The program as it is found here, when it is recent enough."""
    if shutil.which(program) is None:
        raise Missing(f"{program}, which is not on this machine")
    said = subprocess.run(question, capture_output=True, text=True)
    version = re.search(answer, said.stdout + said.stderr)
    if version is None or tuple(map(int, version.groups())) < least:
        raise Missing(f"{program} {least[0]}.{least[1]} or later, not {version.group(0) if version else 'this one'}")


# How pip, go, npm and mvn say that there is no network, or no name server.
UNREACHABLE = re.compile(
    r"ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ENETUNREACH|ETIMEDOUT|no such host|name resolution|unknown host"
    r"|network is unreachable|connection refused|i/o timeout|no route to host|NoPluginFoundForPrefix", re.IGNORECASE)


def run(argv: list, folder: Path | None = None, environment: dict | None = None) -> None:
    done = subprocess.run([str(a) for a in argv], cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode == 0:
        return
    said = done.stdout + done.stderr
    if UNREACHABLE.search(said):
        raise Missing(f"the registry that {Path(argv[0]).name} asks, which cannot be reached")
    raise RuntimeError(f"{argv[0]} ended with {done.returncode}: {said[-2000:]}")


def fingerprint(*texts: str) -> str:
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:12]


KAFKA_PYTHON_CODECS = ("python-snappy==0.7.3", "lz4==4.4.5", "zstandard==0.25.0", "cramjam==2.11.0")

CLIENTS = {
    "kcat": Client("kcat-1.7.1", debian("kcat.py", "import shutil; assert shutil.which('kcat'), 'kcat'"),
                   one_process=True, cannot={"broker killed": "kcat ends when its only broker is gone"}),
    "librdkafka 2.0": Client("librdkafka-2.0.2", debian("confluent.py", "import confluent_kafka")),
    "librdkafka 2.16": Client("librdkafka-2.16.0", pypi("confluent.py", "confluent-kafka==2.16.1")),
    "kafka-python 2": Client("kafka-python-2.0.2",
                             pypi("kafka_python.py", "kafka-python==2.0.2", *KAFKA_PYTHON_CODECS), idempotent=False),
    "kafka-python 3": Client("kafka-python-3.0.12",
                             pypi("kafka_python.py", "kafka-python==3.0.12", *KAFKA_PYTHON_CODECS)),
    "aiokafka": Client("aiokafka-0.14.0", pypi("aio.py", "aiokafka==0.14.0", "cramjam==2.11.0")),
    "franz-go": Client("franz-go-1.22.2", go("franz")),
    "Sarama": Client("sarama-1.61.1", go("sarama")),
    "kafka-go": Client("kafka-go-0.4.51", go("kafkago"), idempotent=False, empty_is_null=True),
    "kafkajs": Client("kafkajs-2.2.4", npm("kafkajs.js")),
    "Java 2.8": Client("java-2.8.2", maven("Adapter", "2.8.2")),
    "Java tools": Client("java-tools-4.3.1", maven_tools("4.3.1"), steps="tools"),
    "Java 4": Client("java-4.3.1", maven("Adapter", "4.3.1")),
    "librdkafka + Java": Client("librdkafka-2.16.0 and java-4.3.1", pypi("confluent.py", "confluent-kafka==2.16.1"),
                               steps="mixed", other="Java 4"),
}
