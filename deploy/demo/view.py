"""What the demo shows: a live view on a terminal, one line per event without one."""

import shutil
import sys
import time
from collections import deque

EVENTS_SHOWN = range(3, 13)  # as many as the terminal has room for
SUMMARY_EVERY_S = 5


class View:
    def __init__(self, hints: list):
        self._terminal = sys.stdout.isatty()
        self._hints = hints
        self._events = deque(maxlen=EVENTS_SHOWN[-1])
        self._started = time.monotonic()
        self._last_summary = 0.0
        self._drawing = False

    def say(self, who: str, what: str) -> None:
        line = f"{time.monotonic() - self._started:6.1f} s  {who:14} {what}"
        self._events.append(line)
        if not self._drawing:
            print(line, flush=True)

    def start_drawing(self, hints: list) -> None:
        self._hints = hints
        self._drawing = self._terminal
        if not self._terminal:
            print("\n".join(["", *hints, ""]), flush=True)

    def show(self, counts, newest_way: str) -> None:
        if self._drawing:
            self._draw(counts, newest_way)
        elif time.monotonic() - self._last_summary >= SUMMARY_EVERY_S:
            self._last_summary = time.monotonic()
            self.say("counts", f"orders {counts.orders} · waiting {counts.waiting} · unclear {counts.unclear} · "
                     f"delivered {counts.delivered} · dead {counts.dead} · cancelled {counts.cancelled} · "
                     f"points granted {counts.granted}")
            self.say("newest", newest_way)

    def _draw(self, counts, newest_way: str) -> None:
        columns, rows = shutil.get_terminal_size()
        above = [
            "Outbox Relay: orders become points, whatever is killed     (Ctrl-C: count, end)",
            "",
            "  orders    waiting   unclear   delivered   dead   cancelled   points granted",
            f"  {counts.orders:6d}    {counts.waiting:7d}   {counts.unclear:7d}   {counts.delivered:9d}   "
            f"{counts.dead:4d}   {counts.cancelled:9d}   {counts.granted:14d}",
            "",
            f"  newest: {newest_way}",
            "",
        ]
        hints = ["", *self._hints]  # to be pasted: never cut, so a long one takes several rows
        room = rows - 1 - len(above) - sum(max(1, -(-len(line) // columns)) for line in hints)
        events = list(self._events)[-max(room, EVENTS_SHOWN[0]):]
        if room < EVENTS_SHOWN[0]:
            hints = []
        shown = [line[:columns] for line in (*above, *events)] + hints
        sys.stdout.write("\x1b[H\x1b[J" + "\n".join(shown) + "\n")
        sys.stdout.flush()

    def stop_drawing(self) -> None:
        if self._drawing:
            self._drawing = False
            print(flush=True)
