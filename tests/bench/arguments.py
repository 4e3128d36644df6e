#!/usr/bin/python3
"""The benchmarks of `./x bench`: every figure is a ratio of two things measured in the same run.

Nothing is asserted: the machine decides the numbers, a reader compares them. Output: one readable line per figure and,
with --json FILE, the same as JSON.
"""

import argparse
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SHARED = ("drain", "produce", "latency")  # one PostgreSQL and one broker for all of them
OWN_SERVERS = ("broker", "resume")  # with servers of their own, and long: only when they are named
BROKER_PARTS = ("throughput", "single", "starts", "growth", "idle")
OUTAGES = ("broker-killed", "broker-stopped", "broker-unplugged", "database-killed", "database-stopped",
           "database-refusing", "database-unplugged")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./x bench", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("only", nargs="*", help=f"which ones: {', '.join(SHARED + OWN_SERVERS)} (default: those that "
                                                f"share servers, {', '.join(SHARED)})")
    parser.add_argument("--rows", type=int, default=1_000_000, help="waiting rows of the drain")
    parser.add_argument("--records", type=int, default=1_000_000, help="records of the durable produce")
    parser.add_argument("--seconds", type=int, default=30, help="of the latency run")
    parser.add_argument("--outages", nargs="+", choices=OUTAGES, default=list(OUTAGES), metavar="OUTAGE",
                        help=f"of resume (default: all): {', '.join(OUTAGES)}")
    parser.add_argument("--lengths", nargs="+", type=float, default=[0.5, 5, 30, 90], help="of its outages, in seconds")
    parser.add_argument("--repeat", type=int, default=3, help="how often each figure of broker and resume is measured")
    parser.add_argument("--parts", nargs="+", choices=BROKER_PARTS, default=list(BROKER_PARTS), metavar="PART",
                        help=f"of broker (default: all): {', '.join(BROKER_PARTS)}")
    parser.add_argument("--no-kafka", action="store_true", help="broker alone, without Apache Kafka beside it")
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    parser.add_argument("--build", type=Path, default=ROOT / "build", help="build folder of the programs")
    arguments = parser.parse_args()
    for name in arguments.only:
        if name not in SHARED + OWN_SERVERS:
            parser.error(f"unknown benchmark {name}; there are {', '.join(SHARED + OWN_SERVERS)}")
    return arguments


if __name__ == "__main__":  # before anything is installed or built
    parse_arguments()
