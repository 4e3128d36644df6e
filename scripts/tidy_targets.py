"""Tells which translation units show clang-tidy the files named on standard input: tidy_targets.py COMPILE_COMMANDS.

A source is its own; a header is seen through the unit that includes it alone, made by tests/unit/house. A changed header
whose source changed as well is seen through that source.
"""

import json
import os
import sys

with open(sys.argv[1], encoding="utf-8") as file:
    units = {os.path.realpath(os.path.join(entry["directory"], entry["file"])) for entry in json.load(file)}
wanted = sys.stdin.read().split("\n")
targets = set()
for name in filter(None, wanted):
    source = os.path.realpath(name)
    if name.endswith(".h"):
        if name[:-2] + ".cc" in wanted:
            continue
        source = os.path.realpath(os.path.join("build/tests/unit/house/alone", name + ".cc"))
    if source in units:
        targets.add(source)
print("\n".join(sorted(targets)), end="\n" if targets else "")
