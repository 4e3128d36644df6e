"""How soon delivery resumes after an outage of the broker or the database: `./x bench resume`.

Two relays in their default configuration share one PostgreSQL and one broker: one over a table with a steady stream of
rows, one over an idle table, into which a row is put at the moment the outage ends. That moment is when a client that
tries to connect every 10 ms gets its first answer. From there it is counted

- until the first row that was not delivered before is: after an outage of the broker until its mark is in the table
  (sent_at), after one of the database until a consumer has it. The witness is never what was away: its client would have
  to get over the outage as well;
- on the steady table, until everything committed before the return is marked.

"pause" is the longest time that sleeping 10 ms and flushing 4 KiB took meanwhile: what the machine itself adds.
"""

import json
import os
import shutil
import signal
import statistics
import sys
import time
from pathlib import Path

import psycopg2

from processes import wait_for
from resume_stack import OUTAGES, Lane, Outage, Stack, Writer

RATE = 200  # rows a second
SETTLE_S = 3
RESUME_TIMEOUT_S = 120
PROBE_PAUSE_S = 0.01
FIRST_MARK = """SELECT extract(epoch FROM min(sent_at))::float8 FROM message_record
WHERE id >= %s AND status = 1 AND sent_at >= to_timestamp(%s)"""
LOWEST_WAITING = "SELECT coalesce(min(id), 0) FROM message_record WHERE status = 0"
LEFT_UP_TO = "SELECT EXISTS (SELECT FROM message_record WHERE status IN (0, 2) AND id <= %s)"
OLD_ONES_WAIT = """SELECT EXISTS (SELECT FROM message_record
WHERE status IN (0, 2) AND created_at < clock_timestamp() - interval '1 s')"""
HARM = "SELECT coalesce(sum(attempts), 0), count(*) FILTER (WHERE status <> 1) FROM message_record"


def run(folder: Path, build: Path, arguments) -> dict:
    """Prints the table as it grows and one line of JSON; returns the same figures."""
    # An outage under way is ended first: a server that is stopped could not be told to end.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    print(f"{'outage':20} {'for':>6}   {'steady: resumed':24} {'caught up':>9}   {'idle: resumed':24} {'pause':>7}   "
          f"(median of {arguments.repeat}, and all; longest pause)", flush=True)
    figures = {"rows_per_second": RATE, "outages": [], "stacks": []}
    for name in arguments.outages:
        figures["stacks"].append(measure_kind(folder / name, build, name, arguments, figures["outages"]))
    figures["load"] = [min(load for row in figures["outages"] for load in row["load"]),
                       max(load for row in figures["outages"] for load in row["load"])]
    print(f"load of the machine meanwhile  {figures['load'][0]:.1f} to {figures['load'][1]:.1f}")
    print(json.dumps({"resume": figures}), flush=True)
    return figures


def measure_kind(folder: Path, build: Path, name: str, arguments, rows: list) -> dict:
    outage = OUTAGES[name]
    folder.mkdir()
    folder.chmod(0o755)
    stack = Stack(folder, build, outage.of if outage.gated else "")
    writer = None
    try:
        stack.start(with_logs=outage.of == "database")
        writer = Writer(stack.steady, RATE)
        for seconds in arguments.lengths:
            runs = [measure(stack, outage, seconds) for _ in range(arguments.repeat)]
            row = {"outage": name, "seconds": seconds, **{key: [run[key] for run in runs] for key in runs[0]}}
            rows.append(row)
            print_row(row)
        writer.stop()
        writer = None
        return harm_done(name, stack)
    finally:
        if writer:
            writer.stop()
        stack.stop()
        if not os.environ.get("OUTBOX_KEEP_TEMP"):
            shutil.rmtree(folder, ignore_errors=True)


def measure(stack: Stack, outage: Outage, seconds: float) -> dict:
    for lane in stack.lanes:
        wait_for(f"{lane.name} to flow", lambda lane=lane: lane.relay.check() or not lane.sql(OLD_ONES_WAIT)[0], 60)
    time.sleep(SETTLE_S)
    load, lowest = os.getloadavg()[0], 0
    outage.begin(stack)
    try:
        time.sleep(seconds)
        if outage.of == "broker":
            lowest = stack.steady.sql(LOWEST_WAITING)[0]
    finally:
        outage.end(stack)
    answers = stack.broker_answers if outage.of == "broker" else stack.database_answers
    while not answers():
        time.sleep(PROBE_PAUSE_S)
    back = time.time()
    idle_row = insert_surely(stack.idle)
    highest = stack.steady.sql("SELECT max(id) FROM message_record")[0]
    figures = wait_for_all(stack, back, {
        "steady_s": lambda: first_delivery(stack.steady, lowest, back),
        "idle_s": lambda: first_delivery(stack.idle, idle_row, back),
        "caught_up_s": lambda: None if stack.steady.sql(LEFT_UP_TO, highest)[0] else time.time()})
    figures["pause_s"] = round(stack.pulse.longest_since(back), 3)
    stack.postgres_started()
    return {**figures, "load": load}


def wait_for_all(stack: Stack, back: float, moments: dict) -> dict:
    """Seconds from `back` to each moment, asked for in turn until it is there."""
    seconds = {}

    def look() -> bool:
        for lane in stack.lanes:
            lane.relay.check()
        for name in moments.keys() - seconds.keys():
            if (moment := moments[name]()) is not None:
                seconds[name] = round(moment - back, 3)
        return len(seconds) == len(moments)

    wait_for("delivery after the outage", look, RESUME_TIMEOUT_S)
    return seconds


def first_delivery(lane: Lane, lowest: int, back: float):
    """When it was, or None. The witnesses keep the moment, so that asking late changes nothing."""
    return lane.log.first_since(back) if lane.log else lane.sql(FIRST_MARK, lowest, back)[0]


def insert_surely(lane: Lane) -> int:
    """The lane's own connection may be one of those the outage broke."""
    while True:
        try:
            return lane.insert()
        except psycopg2.Error:
            time.sleep(PROBE_PAUSE_S)


def harm_done(name: str, stack: Stack) -> dict:
    """What an outage must not leave behind: spent attempts, rows that are not delivered, memory that has grown."""
    harm = {"outage": name, "attempts_spent": 0, "not_delivered": 0,
            "relay_peak_mib": round(max(lane.peak_mib() for lane in stack.lanes), 1)}
    for lane in stack.lanes:
        wait_for(f"the last marks of {lane.name}", lane.all_marked)
        attempts, left = lane.sql(HARM)
        harm["attempts_spent"] += int(attempts)
        harm["not_delivered"] += left
    return harm


def print_row(row: dict) -> None:
    def cell(key: str) -> str:
        every = " ".join(f"{value:.2f}" for value in row[key])
        return f"{statistics.median(row[key]):5.2f} s ({every})"
    caught_up = statistics.median(row["caught_up_s"])
    print(f"{row['outage']:20} {row['seconds']:4g} s   {cell('steady_s'):24} {caught_up:7.2f} s   {cell('idle_s'):24} "
          f"{max(row['pause_s']):5.2f} s", flush=True)
