"""TABLE.md: which client did which step, as the last recorded run saw it. Tests compare with it."""

from pathlib import Path

from install import CLIENTS
from java_tools import TOOL_STEPS
from scenario import STEPS

FILE = Path(__file__).parent / "TABLE.md"
CELLS = {"yes": "ok", "–": "unsupported", "NO": "failed"}
HEAD = "| step |"


def read() -> dict:
    """client -> step -> result"""
    rows = [split(line) for line in FILE.read_text().splitlines() if line.startswith("|") and "---" not in line]
    clients = rows[0][1:]
    result = {client: {} for client in clients}
    for step, *cells in rows[1:]:
        for client, cell in zip(clients, cells, strict=True):
            if cell in CELLS:
                result[client][step] = CELLS[cell]
    return result


def update(client: str, seen: dict) -> None:
    known = read()
    known.setdefault(client, {}).update(seen)
    steps = [step for step in (*STEPS, *TOOL_STEPS) if any(step in results for results in known.values())]
    clients = [name for name in CLIENTS if known.get(name)]
    words = {result: cell for cell, result in CELLS.items()}
    lines = [f"{HEAD} {' | '.join(clients)} |", "|---" * (len(clients) + 1) + "|"]
    for step in steps:
        cells = [words.get(known[name].get(step), "") for name in clients]
        lines.append(f"| {step} | {' | '.join(cells)} |")
    text = FILE.read_text()
    before = text[:text.index(HEAD)]
    after = text[text.index(HEAD):].partition("\n\n")
    FILE.write_text(before + "\n".join(lines) + "\n" + ("\n" + after[2] if after[2] else ""))


def split(line: str) -> list:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]
