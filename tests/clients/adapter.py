"""The driver's side of an adapter: a process that holds one Kafka client and obeys commands, one JSON object a line.

Commands and answers go through its stdin and stdout; what its group members live through goes to an events file that
all adapters of a run append to, so that its order is the order of things. README.md lists both.
"""

import ctypes
import json
import queue
import signal
import subprocess
import threading
from pathlib import Path

ANSWER_S = 120
PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


def die_with_parent() -> None:
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Unsupported(Exception):
    """The client cannot do this; its text says why."""


class Refused(Exception):
    """The client reported an error; `code` is the Kafka error code where it gave one."""

    def __init__(self, code, message):
        super().__init__(f"{message} (code {code})")
        self.code = code


class Adapter:
    def __init__(self, argv: list, bootstrap: str, events: Path, log: Path, environment: dict):
        with log.open("ab") as errors:
            self._process = subprocess.Popen(
                [*map(str, argv), bootstrap, str(events)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors,
                text=True, bufsize=1, env=environment, preexec_fn=die_with_parent)
        self._answers = queue.Queue()
        self._number = 0
        threading.Thread(target=self._read, daemon=True).start()

    def send(self, command: str, **arguments) -> int:
        """Sends and does not wait; give the number to `answer`."""
        self._number += 1
        self._process.stdin.write(json.dumps({"id": self._number, "do": command, **arguments}) + "\n")
        self._process.stdin.flush()
        return self._number

    def answer(self, number: int) -> dict:
        try:
            answer = self._answers.get(timeout=ANSWER_S)
        except queue.Empty:
            raise TimeoutError(f"the client gave no answer within {ANSWER_S} s") from None
        if answer is None:
            raise RuntimeError(f"the client's program has ended with {self._process.wait()}; see its log")
        if answer["id"] != number:
            raise RuntimeError(f"answer {answer['id']} instead of {number}")
        if "unsupported" in answer:
            raise Unsupported(answer["unsupported"])
        if "error" in answer:
            raise Refused(answer["error"], answer.get("message", ""))
        return answer["ok"]

    def do(self, command: str, **arguments) -> dict:
        return self.answer(self.send(command, **arguments))

    def kill(self) -> None:
        """SIGKILL: its members say no goodbye."""
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        self._process.stdin.close()  # it ends when its commands do
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self.kill()

    def _read(self):
        for line in self._process.stdout:
            if line.startswith("{"):
                self._answers.put(json.loads(line))
        self._answers.put(None)
