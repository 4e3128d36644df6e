"""Free ports below the range that the kernel gives to outgoing connections: a server that is killed and started again
finds its port free, though clients have tried to connect to it all the while.

Taken as tests/support/net.cc takes them, so that whatever runs at once on a machine never meets.
"""

import random
import socket

FIRST, LAST = 15_000, 32_000
_reservations = []  # open until this process ends


def free_port() -> int:
    for _ in range(1_000):
        port = random.randint(FIRST, LAST)
        if _reserve(port) and _can_bind(port):
            return port
    raise RuntimeError(f"no free port on 127.0.0.1 between {FIRST} and {LAST}")


def _reserve(port: int) -> bool:
    reservation = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        reservation.bind(f"\0outbox-test-port-{port}")
    except OSError:
        reservation.close()
        return False
    _reservations.append(reservation)
    return True


def _can_bind(port: int) -> bool:
    with socket.socket() as trial:
        try:
            trial.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
