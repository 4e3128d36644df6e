"""A proxy in front of the broker that keeps a request of each API and version, and of each codec, as hex.

How the captures of tests/unit/protocol are made: `run.py CLIENT --record FOLDER`.
"""

import socket
import struct
import threading
import time
from pathlib import Path

PRODUCE = 0
LINE = 96
SMALL = 600
DEAD_S = 20
UNRECORDED = "helper"  # the client id of what another client did


class Recorder:
    def __init__(self, broker_port: int, folder: Path, title: str):
        self._broker_port = broker_port
        self._seen = {}
        self._lock = threading.Lock()
        self._file = folder / f"{title}.txt"
        self._title = title
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()
        with self._lock, self._file.open("w") as file:
            file.write(f"# Requests that {self._title} sent, with their length bytes. Recorded by tests/clients/run.py"
                       " --record.\n")
            for (key, version, codec), frame in sorted(self._seen.items()):
                text = frame.hex()
                lines = [text[at:at + LINE] for at in range(0, len(text), LINE)]
                named = NAMES.get(key, str(key)) + f" v{version}" + (f", codec {codec}" if codec else "")
                file.write("\n= " + named + "\n" + "\n".join(lines) + "\n")

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        broker = self._connect()
        if broker is None:
            client.close()
            return
        for end in (client, broker):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=self._pump, args=(broker, client, None), daemon=True).start()
        self._pump(client, broker, self._keep)

    def _connect(self) -> socket.socket | None:
        """Clients may take a connection that is closed at once for a broker that wants TLS: a dead one is waited for."""
        end = time.monotonic() + DEAD_S
        while time.monotonic() < end:
            try:
                return socket.create_connection(("127.0.0.1", self._broker_port))
            except OSError:
                time.sleep(0.05)
        return None

    def _pump(self, source, target, keep):
        kept = b""
        try:
            while data := source.recv(65536):
                if keep is not None:
                    kept = keep(kept + data)
                target.sendall(data)
        except OSError:
            pass
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def _keep(self, data: bytes) -> bytes:
        """Notes whole frames; gives what is left."""
        while len(data) >= 4 and len(data) >= 4 + (length := struct.unpack(">i", data[:4])[0]):
            frame, data = data[:4 + length], data[4 + length:]
            key, version = struct.unpack(">hh", frame[4:8])
            if frame[14:].startswith(UNRECORDED.encode()):
                continue
            with self._lock:
                kind = (key, version, codec_of(key, frame))
                if better(frame, self._seen.get(kind)):
                    self._seen[kind] = frame
        return data


def better(frame: bytes, kept: bytes | None) -> bool:
    """What says most in little: the largest of the small ones, else the smallest."""
    if kept is None:
        return True
    return len(kept) < len(frame) <= SMALL if len(kept) <= SMALL else len(frame) < len(kept)


def codec_of(key: int, frame: bytes) -> int:
    """The codec of the first batch of a Produce: the low bits of its attributes, which follow magic 2 and the CRC."""
    if key != PRODUCE:
        return 0
    at = frame.find(b"\x00\x00\x00\x00\x00\x00\x00\x00")  # base offset 0 opens the batch
    while at >= 0 and at + 23 <= len(frame):
        if frame[at + 16] == 2:
            return frame[at + 22] & 7
        at = frame.find(b"\x00\x00\x00\x00\x00\x00\x00\x00", at + 1)
    return 0


NAMES = {
    0: "Produce", 1: "Fetch", 2: "ListOffsets", 3: "Metadata", 8: "OffsetCommit", 9: "OffsetFetch",
    10: "FindCoordinator", 11: "JoinGroup", 12: "Heartbeat", 13: "LeaveGroup", 14: "SyncGroup", 15: "DescribeGroups",
    16: "ListGroups", 18: "ApiVersions", 19: "CreateTopics", 20: "DeleteTopics", 21: "DeleteRecords",
    22: "InitProducerId", 23: "OffsetForLeaderEpoch", 32: "DescribeConfigs", 33: "AlterConfigs",
    37: "CreatePartitions", 42: "DeleteGroups", 44: "IncrementalAlterConfigs", 47: "OffsetDelete",
    60: "DescribeCluster",
}
