#!/usr/bin/python3
"""Orders become points through PostgreSQL, relay, broker and two small services, while parts of it are killed.

Everything runs in a temporary folder on free ports and is gone afterwards. The orders stop at Ctrl-C, or after --seconds,
and the run ends with a reconciliation: exit status 0 only when nothing was lost, granted twice or published although it
was rolled back. Another Ctrl-C ends at once.
"""

import argparse
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./x demo", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=positive, help="stop the orders after this time (default: at Ctrl-C)")
    parser.add_argument("--rate", type=positive, default=20, help="orders per second (default 20)")
    parser.add_argument("--no-kills", action="store_true", help="kill nothing")
    parser.add_argument("--keep", action="store_true", help="keep the folder with logs and data")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="of the orders' random choices")
    parser.add_argument("--programs", type=Path, default=ROOT / "build" / "bin", help="folder of the built programs")
    return parser.parse_args()


def positive(text: str) -> float:
    number = float(text)
    if not 0 < number < float("inf"):
        raise ValueError(text)
    return number


if __name__ == "__main__":  # before anything is installed or built
    parse_arguments()
