"""Children of the demo: started, killed, started again, and never left behind."""

import ctypes
import os
import signal
import socket
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

PR_SET_PDEATHSIG = 1
ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_libc = ctypes.CDLL(None)


def wait_for(what: str, ready, seconds: float = 30) -> None:
    """Polls `ready` until it is true; raises with the name of what never came."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if ready():
            return
        time.sleep(0.05)
    raise RuntimeError(f"{what} did not become ready within {seconds:.0f} s")


@contextmanager
def undisturbed():
    """What would end the demo waits until the block is over: a server that is half started could not be stopped."""
    seen = []
    handlers = {number: signal.signal(number, lambda came, _frame: seen.append(came)) for number in ENDINGS}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for number in seen:
            signal.raise_signal(number)


def accepts_connections(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.2)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _die_with_parent() -> None:
    os.setpgid(0, 0)  # Ctrl-C goes to the demo alone, which then stops its children in order
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Child:
    """One program that can be killed and started again with the same arguments; its output goes to a file."""

    def __init__(self, name: str, arguments: list, log_file: Path):
        self.name = name
        self._arguments = [str(argument) for argument in arguments]
        self._log_file = log_file
        self._process = None

    def start(self) -> None:
        with self._log_file.open("ab") as log:
            self._process = subprocess.Popen(
                self._arguments, stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=_die_with_parent)

    def pid(self) -> int:
        return self._process.pid

    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def check(self) -> None:
        if not self.alive():
            tail = self._log_file.read_text(errors="replace").splitlines()[-5:]
            raise RuntimeError("\n  ".join([f"{self.name} has ended; the end of its log:", *tail]))

    def kill(self) -> None:
        """SIGKILL: no goodbye, as when the machine's memory runs out."""
        if self.alive():
            self._process.kill()
            self._process.wait()

    def stop(self, seconds: float = 12) -> None:
        if not self.alive():
            return
        self._process.terminate()
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
