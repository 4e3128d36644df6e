"""kcat, as a shell script would use it: one process a command, one process a member. It administers nothing.

A member's records and its rebalances come through one pipe that all members share, so that their order is kept. That
is why this adapter is one process (`one_process` in install.py) and kills a member by a command.
"""

import ctypes
import json
import os
import re
import signal
import subprocess
import sys
import threading

from loop import Events, Refused, Unsupported, serve

WAIT_S = 100
MESSAGE_TOO_LARGE = 10
PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)
ID = r"\(memberid (\S+?)-[0-9a-f-]{32,36}"
EAGER = re.compile(r"% Group \S+ rebalanced " + ID + r"\): (assigned|revoked)(?:: (.*))?")
COOPERATIVE = re.compile(r"% Group \S+ rebalanced: incremental (\w+) of .*?" + ID + r"[^)]*\):(.*)")
PARTITION = re.compile(r"\[(\d+)\]")


class Client:
    def __init__(self, bootstrap: str, events: str):
        self._broker = ["-b", bootstrap]
        self._events = events
        self._members = {}  # name -> process and pipe
        self._pipes = {}  # group -> what its members say

    def _kcat(self, *arguments, feed=None):
        done = subprocess.run(["kcat", *self._broker, *map(str, arguments)], input=feed, capture_output=True,
                              timeout=WAIT_S)
        if done.returncode != 0:
            said = done.stderr.decode()
            raise Refused(MESSAGE_TOO_LARGE if "Message size too large" in said else -1, said[-300:])
        return done.stdout.decode()

    def create_topic(self, **_):
        raise Unsupported("kcat administers nothing")

    def describe_cluster(self):
        listed = json.loads(self._kcat("-L", "-J"))
        return {"nodes": [broker["id"] for broker in listed["brokers"]], "controller": listed["controllerid"]}

    def produce(self, topic, records, codec="none", idempotent=False):
        """kcat tells no offsets: they are asked for before and after."""
        partitions = sorted({record["partition"] for record in records})
        before = {p: self.offsets(topic, p, "latest")["offset"] for p in partitions}
        for record in records:
            if "timestamp" in record:
                raise Unsupported("kcat sends no timestamps")
        shapes = {}
        for record in records:
            shape = (record["partition"], json.dumps(record.get("headers", [])), record["key"] is None)
            shapes.setdefault(shape, []).append(record)
        for (partition, headers, no_key), same in shapes.items():
            # -Z sends an empty value, and an empty key, as null
            flags = ["-Z"] if any(r["value"] is None for r in same) else []
            for name, value in json.loads(headers):
                flags += ["-H", f"{name}={value}"]
            key = [] if no_key else ["-K", "\t"]
            lines = [(r["value"] or "") if no_key else f"{r['key']}\t{r['value'] or ''}" for r in same]
            self._kcat("-P", "-t", topic, "-p", partition, "-D", "\x01", "-X", f"compression.codec={codec}", "-X",
                       f"enable.idempotence={str(idempotent).lower()}", *flags, *key,
                       feed="\x01".join(lines).encode())
        after = {p: self.offsets(topic, p, "latest")["offset"] for p in partitions}
        offsets = [[p, offset] for p in partitions for offset in range(before[p], after[p])]
        if len(offsets) != len(records):
            raise Refused(-1, f"{len(offsets)} of {len(records)} records arrived")
        return {"offsets": offsets}

    def fetch(self, topic, partition, offset, count):
        lines = self._kcat("-C", "-J", "-q", "-t", topic, "-p", partition, "-o", offset, "-c", count)
        records = [json.loads(line) for line in lines.splitlines()]
        return {"records": [{"offset": r["offset"], "key": r["key"], "value": r["payload"], "timestamp": r["ts"],
                             "headers": pairs(r.get("headers", []))} for r in records]}

    def offsets(self, topic, partition, at):
        if at == "max_timestamp":
            raise Unsupported("kcat knows no max timestamp")
        stamp = {"earliest": -2, "latest": -1}.get(at, at)
        answer = self._kcat("-Q", "-t", f"{topic}:{partition}:{stamp}")
        return {"offset": int(answer.rsplit("offset", 1)[1])}

    def join(self, member, group, topic, protocol, session_ms, instance=None):
        strategy = "cooperative-sticky" if protocol == "cooperative" else "range"
        more = ["-X", f"group.instance.id={instance}"] if instance else []
        pipe = self._pipes.setdefault(group, Pipe(self._events, group))
        if instance:
            pipe.instances[instance] = member
        process = subprocess.Popen(
            ["stdbuf", "-oL", "-eL",  # a line is one write, so that the members' lines do not mix
             "kcat", *self._broker, "-f", f"{member} %p %o\\n", "-X", f"client.id={member}",
             "-X", "auto.offset.reset=earliest", "-X", f"session.timeout.ms={session_ms}",
             "-X", "heartbeat.interval.ms=1000", "-X", "auto.commit.interval.ms=100",
             "-X", f"partition.assignment.strategy={strategy}", *more, "-G", group, topic],
            stdout=pipe.end, stderr=pipe.end, stdin=subprocess.DEVNULL, preexec_fn=die_with_parent)
        self._members[member] = (process, pipe)

    def leave(self, member):
        process, pipe = self._members.pop(member)
        process.terminate()
        process.wait(WAIT_S)
        pipe.ended(member, "left")

    def kill_member(self, member):
        process, pipe = self._members.pop(member)
        process.kill()
        process.wait(WAIT_S)
        pipe.ended(member, "killed")


class Pipe:
    """What the members of a group say becomes events."""

    def __init__(self, path, group):
        self._path, self._group = path, group
        self.instances = {}  # a static member's id begins with its instance's name
        self._ended = threading.Event()
        reader, self.end = os.pipe()
        threading.Thread(target=self._read, args=(os.fdopen(reader, errors="replace"),), daemon=True).start()

    def ended(self, member, event):
        """Everything that it had said becomes events before this one."""
        self._ended.clear()
        os.write(self.end, f"ended {member} {event}\n".encode())
        self._ended.wait(WAIT_S)

    def _read(self, lines):
        for line in lines:
            words = line.split()
            if eager := EAGER.match(line):
                self._moved(*eager.groups())
            elif cooperative := COOPERATIVE.match(line):
                what, who, partitions = cooperative.groups()
                self._moved(who, "assigned" if what == "assignment" else "revoked", partitions)
            elif len(words) == 3 and words[1].isdigit() and words[2].isdigit():
                Events(self._path, self._group, words[0])("consumed", partition=int(words[1]),
                                                          offsets=[int(words[2])])
            elif words[:1] == ["ended"]:
                Events(self._path, self._group, words[1])(words[2])
                self._ended.set()
            else:
                print(line, end="", file=sys.stderr)

    def _moved(self, who, what, partitions):
        member = self.instances.get(who, who)
        Events(self._path, self._group, member)(
            what, partitions=[int(number) for number in PARTITION.findall(partitions or "")])



def pairs(flat):
    return [list(pair) for pair in zip(flat[::2], flat[1::2])]


def die_with_parent():
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
    serve(Client(*sys.argv[1:]), lambda _: -1)
