"""Orders that keep coming, as callers of the order service would send them."""

import http.client
import json
import random
import threading
import uuid
from collections import Counter

CUSTOMERS = 200
THREADS = 4
ANSWER_TIMEOUT_S = 10
# A third of the orders prepare their message first; how those go on.
PREPARED_WAYS = ["confirmed"] * 3 + ["crash_after"] * 2 + ["rolled_back"] * 2 + ["crash_before"]


def way_of(number: int, chance: random.Random) -> str:
    if number % 50 == 25:
        return "receipt"
    if number % 3 == 0:
        return chance.choice(PREPARED_WAYS)
    return "plain"


class Traffic:
    """Places orders at a steady rate until stopped. What became of them is read from the databases, not from answers."""

    def __init__(self, port: int, orders_per_second: float, seed: int):
        self._port = port
        self._pause_s = THREADS / orders_per_second
        self._chance = random.Random(seed)
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(THREADS)]
        self.placed = Counter()  # by way

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join(ANSWER_TIMEOUT_S + 1)

    def _run(self) -> None:
        while not self._stopping.wait(self._pause_s):
            order = self._next_order()
            try:
                self._post(order)
            except (OSError, http.client.HTTPException):
                pass  # a crash on purpose gives no answer; the reconciliation asks the database how it ended

    def _next_order(self) -> dict:
        with self._lock:
            number = self.placed.total() + 1
            way = way_of(number, self._chance)
            self.placed[way] += 1
            return {
                "order_id": str(uuid.UUID(int=self._chance.getrandbits(128), version=4)),
                "customer": f"customer-{self._chance.randrange(CUSTOMERS)}",
                "cents": self._chance.randrange(100, 20_000),
                "way": way,
            }

    def _post(self, order: dict) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=ANSWER_TIMEOUT_S)
        try:
            connection.request("POST", "/orders", json.dumps(order), {"Content-Type": "application/json"})
            connection.getresponse().read()
        finally:
            connection.close()
