#!/usr/bin/python3
"""The demo itself: `./x demo`; what it shows and proves stands in arguments.py, its --help."""

import argparse
import shutil
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path

from alerts import AlertReceiver
from arguments import parse_arguments
from observe import Observer
from processes import ENDINGS
from reconcile import reconcile
from stack import Stack
from traffic import Traffic
from view import View

REFRESH_S = 0.5
SETTLE_S = 30
KILL_EVERY_S = 20  # without --seconds; with it the three kills are spread over the time
DOWN_S = 1.5


class Kills:
    """SIGKILL for broker, relay and points service in turn; each is started again a moment later."""

    def __init__(self, stack: Stack, say, seconds):
        self._say = say
        self._victims = [stack.broker, stack.relay, stack.points]
        self._every_s = seconds / (len(self._victims) + 1) if seconds else KILL_EVERY_S
        self._left = len(self._victims) if seconds else None
        self._next_at = time.monotonic() + self._every_s
        self._down = None
        self._up_at = 0.0

    def step(self) -> None:
        now = time.monotonic()
        if self._down and now >= self._up_at:
            self._down.start()
            self._say(self._down.name, "started again")
            self._down = None
        elif not self._down and self._left != 0 and now >= self._next_at:
            self._down = self._victims[0]
            self._victims.append(self._victims.pop(0))
            self._down.kill()
            self._say(self._down.name, "killed with SIGKILL")
            self._up_at, self._next_at = now + DOWN_S, self._next_at + self._every_s
            self._left = None if self._left is None else self._left - 1

    def finish(self) -> None:
        if self._down:
            self._down.start()
            self._say(self._down.name, "started again")
            self._down = None


def main() -> int:
    arguments = parse_arguments()
    sys.stdout.reconfigure(errors="replace")  # arrows, in whatever encoding the terminal has
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda came, _frame: sys.exit(128 + came))
    folder = Path(tempfile.mkdtemp(prefix="outbox-demo-"))
    folder.chmod(0o755)  # PostgreSQL runs as another user when we are root
    view = View([])
    stack = Stack(folder, arguments.programs)
    receiver = AlertReceiver(stack.alert_port, view.say)
    kept = arguments.keep
    try:
        stack.start(view.say)
        return run(stack, view, arguments)
    except KeyboardInterrupt:
        view.stop_drawing()
        print("interrupted: stopping everything", flush=True)
        return 130
    except RuntimeError as error:
        view.stop_drawing()
        print(f"demo: {error}", file=sys.stderr, flush=True)
        kept = True
        return 1
    finally:
        for number in ENDINGS:
            signal.signal(number, signal.SIG_IGN)  # a second Ctrl-C must not leave anything behind
        stack.stop()
        receiver.stop()
        if kept:
            print(f"logs and data are kept in {folder}", file=sys.stderr, flush=True)
        else:
            shutil.rmtree(folder, ignore_errors=True)


def set_by_ctrl_c() -> threading.Event:
    """Only the first Ctrl-C; the next one interrupts as usual."""
    event = threading.Event()

    def first(*_args) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        event.set()

    signal.signal(signal.SIGINT, first)
    return event


def run(stack: Stack, view: View, arguments: argparse.Namespace) -> int:
    observer = Observer(stack.dsn("shop"), stack.dsn("points"))
    traffic = Traffic(stack.order_port, arguments.rate, arguments.seed)
    view.start_drawing(hints(stack))
    view.say("orders", f"coming at {arguments.rate:g} a second (seed {arguments.seed})")
    traffic.start()
    kills = None if arguments.no_kills else Kills(stack, view.say, arguments.seconds)
    deadline = time.monotonic() + arguments.seconds if arguments.seconds else float("inf")
    enough = set_by_ctrl_c()
    while time.monotonic() < deadline and not enough.is_set():
        if kills:
            kills.step()
        refresh(view, observer)
        enough.wait(REFRESH_S)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    traffic.stop()
    if kills:
        kills.finish()
    view.say("orders", "stopped; waiting for what is under way")
    settle(view, observer)
    view.stop_drawing()
    result = reconcile(observer, stack.bootstrap_servers)
    observer.close()
    print("\n".join(["", "Reconciliation", *(f"  {line}" for line in result.lines())]))
    print("  holds" if result.holds() else "  DOES NOT HOLD", flush=True)
    if not result.holds():
        raise RuntimeError("the reconciliation does not hold")
    return 0


def refresh(view: View, observer: Observer):
    for number, topic, attempts, fail_msg in observer.new_dead():
        view.say("dead", f"row {number} to {topic} after {attempts} attempts: {fail_msg}")
    counts = observer.counts()
    view.show(counts, observer.newest_way())
    return counts


def settle(view: View, observer: Observer) -> None:
    deadline = time.monotonic() + SETTLE_S
    while time.monotonic() < deadline:
        counts = refresh(view, observer)
        if counts.waiting == 0 and counts.unclear == 0 and counts.granted >= counts.orders - counts.dead:
            return
        time.sleep(REFRESH_S)


def hints(stack: Stack) -> list:
    return [
        "Look for yourself:",
        f"  page     {stack.page_url()}",
        f"  rows     psql -h 127.0.0.1 -p {stack.postgres_port} -U postgres shop -c "
        "'SELECT id, topic, status, attempts, fail_msg FROM message_record ORDER BY id DESC LIMIT 10'",
        f"  log      kcat -b {stack.bootstrap_servers} -C -t orders -o -5 -e -f '%p:%o %k %h\\n'",
        f"  metrics  http://127.0.0.1:{stack.relay_admin_port}/metrics",
        f"  logs     {stack.folder}",
    ]


if __name__ == "__main__":
    sys.exit(main())
