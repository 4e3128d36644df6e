#!/usr/bin/python3
"""Runs the scenario with one client against a fresh broker, prints one JSON line a step, and compares with TABLE.md.

Ends with 0 when every step went as the table says, or better, 77 when something the client needs is not on this machine.
"""

import argparse
import json
import os
import sys
import tempfile
import time
import traceback
from pathlib import Path

import table
from adapter import Refused, Unsupported
from install import CLIENTS, Missing
from world import ROOT, World

EXIT_MISSING = 77


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("client", choices=CLIENTS)
    parser.add_argument("--bin", type=Path, default=Path(os.environ.get("OUTBOX_BIN", ROOT / "build/bin")),
                        help="folder of outbox-broker")
    parser.add_argument("--folder", type=Path, help="where clients are downloaded to; by default beside --bin")
    parser.add_argument("--step", action="append", help="only this step; may be given again")
    parser.add_argument("--record", type=Path, help="keep what the client sends in this folder, as hex")
    parser.add_argument("--update", action="store_true", help="write what was seen into TABLE.md")
    arguments = parser.parse_args()
    steps = table.ALL_STEPS[CLIENTS[arguments.client].steps]
    if arguments.step:
        steps = {name: steps[name] for name in arguments.step}
    try:
        client = CLIENTS[arguments.client].install(arguments.folder or arguments.bin.parent / "clients")
    except Missing as missing:
        print(f"{arguments.client} needs {missing}")
        return EXIT_MISSING
    with tempfile.TemporaryDirectory(prefix="clients-") as folder:
        seen = run(client, Path(folder), arguments, steps)
    if arguments.update:
        table.update(arguments.client, {step: result for step, (result, _) in seen.items()})
    return judge(arguments.client, seen)


def run(client, folder: Path, arguments, steps: dict) -> dict:
    seen = {}
    with World(folder, arguments.bin / "outbox-broker", client, arguments.record) as world:
        for name, step in steps.items():
            start = time.monotonic()
            try:
                if name in client.cannot:
                    raise Unsupported(client.cannot[name])
                step(world)
                seen[name] = ("ok", "")
            except Unsupported as unsupported:
                seen[name] = ("unsupported", str(unsupported))
            except Exception as error:  # whatever went wrong, the next step still runs
                at = traceback.extract_tb(error.__traceback__)[1]
                seen[name] = ("failed", f"{type(error).__name__} at {at.name}:{at.lineno}: {error}")
                world.begin_anew()
            result, reason = seen[name]
            line = {"client": client.title, "step": name, "result": result}
            print(json.dumps({**line, **({"reason": reason} if reason else {}),
                              "seconds": round(time.monotonic() - start, 1)}), flush=True)
        if any(result == "failed" for result, _ in seen.values()):
            for log in filter(lambda name: (folder / name).exists(), ("client.log", "broker.log")):
                tail = (folder / log).read_text(errors="replace").splitlines()[-25:]
                print(f"--- the end of {log}", *tail, sep="\n")
    return seen


def judge(client: str, seen: dict) -> int:
    expected = table.read().get(client, {})
    wrong = False
    for step, (result, reason) in seen.items():
        due = expected.get(step, "not known")
        if result == due:
            continue
        better = result == "ok" and due == "failed"
        wrong = wrong or not better
        print(f"{step}: {'better than the table' if better else 'WRONG'}: {result} {reason}; TABLE.md: {due}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
