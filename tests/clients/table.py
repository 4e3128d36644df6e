"""TABLE.md: which client did which step, as the last recorded run saw it. Tests compare with it."""

from pathlib import Path

from install import CLIENTS
from java_tools import TOOL_STEPS
from mixed import MIXED_STEPS
from scenario import STEPS

ALL_STEPS = {"all": STEPS, "tools": TOOL_STEPS, "mixed": MIXED_STEPS}  # a table of its own for each
FILE = Path(__file__).parent / "TABLE.md"
CELLS = {"yes": "ok", "–": "unsupported", "NO": "failed"}
HEAD = "| step |"


def read() -> dict:
    """client -> step -> result"""
    result, clients = {}, []
    for line in FILE.read_text().splitlines():
        if not line.startswith("|") or "---" in line:
            continue
        step, *cells = split(line)
        if line.startswith(HEAD):
            clients = cells
            result.update({client: {} for client in clients})
            continue
        for client, cell in zip(clients, cells, strict=True):
            if cell in CELLS:
                result[client][step] = CELLS[cell]
    return result


def update(client: str, seen: dict) -> None:
    known = read()
    known.setdefault(client, {}).update(seen)
    text = FILE.read_text()
    tables = [lines_of(kind, known) for kind in ALL_STEPS]
    FILE.write_text(text[:text.index(HEAD)] + "\n\n".join("\n".join(lines) for lines in tables if lines) + "\n")


def lines_of(kind: str, known: dict) -> list:
    clients = [name for name, client in CLIENTS.items() if client.steps == kind and known.get(name)]
    steps = [step for step in ALL_STEPS[kind] if any(step in known[name] for name in clients)]
    if not steps:
        return []
    words = {result: cell for cell, result in CELLS.items()}
    lines = [f"{HEAD} {' | '.join(clients)} |", "|---" * (len(clients) + 1) + "|"]
    for step in steps:
        cells = [words.get(known[name].get(step), "") for name in clients]
        lines.append(f"| {step} | {' | '.join(cells)} |")
    return lines


def split(line: str) -> list:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]
