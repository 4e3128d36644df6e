"""What the Python adapters share: commands in, answers out, and the members' events. See ../README.md."""

import json
import sys
import threading
import time


class Unsupported(Exception):
    """This client cannot; the text says why."""


class Refused(Exception):
    """An error that the client reports in its own way."""

    def __init__(self, code: int, message: str = ""):
        super().__init__(message)
        self.code = code


class Events:
    """The events of one member; each is one append, so that members of all processes stay in order."""

    def __init__(self, path: str, group: str, member: str):
        self._file = open(path, "ab", buffering=0)
        self._who = {"group": group, "member": member}

    def __call__(self, event: str, **more) -> None:
        self._file.write((json.dumps({"event": event, **self._who, **more}) + "\n").encode())


def serve(client, code_of) -> None:
    """Obeys the commands on stdin by the client's methods of the same names, until stdin ends."""
    for line in sys.stdin:
        command = json.loads(line)
        number, name = command.pop("id"), command.pop("do")
        answer = {"id": number}
        try:
            method = getattr(client, name, None)
            if method is None:
                raise Unsupported(f"it has no {name.replace('_', ' ')}")
            answer["ok"] = method(**command) or {}
        except Unsupported as unsupported:
            answer["unsupported"] = str(unsupported)
        except Exception as error:
            answer["error"] = error.code if isinstance(error, Refused) else code_of(error)
            answer["message"] = f"{type(error).__name__}: {error}"
            print(time.strftime("%H:%M:%S"), name, command if len(line) < 500 else "", repr(error), file=sys.stderr)
        print(json.dumps(answer), flush=True)


class Poller:
    """A member's thread: polls until told to leave. `turn` is one poll, `close` ends the member."""

    def __init__(self, turn, close, events: Events):
        self._turn, self._close, self._events = turn, close, events
        self._leaving = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def leave(self) -> None:
        self._leaving.set()
        self._thread.join()

    def _run(self):
        while not self._leaving.is_set():
            try:
                self._turn()
            except Exception as error:  # the member stays; what it then misses, the checker finds
                print(time.strftime("%H:%M:%S"), "poll:", repr(error), file=sys.stderr)
        self._events("left")  # it reads no more; what closing says to the broker comes after
        self._close()
