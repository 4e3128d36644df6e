"""A TCP gate before a server, for outages that leave the server alone: it refuses, or it loses packets."""

import ctypes
import socket
import struct
import threading

SO_ATTACH_FILTER, SO_DETACH_FILTER = 26, 27  # <asm-generic/socket.h>; the socket module has no names for them
RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Gate:
    """Passes everything on to `target_port` of this machine; refuse() or unplug() until resume()."""

    def __init__(self, target_port: int, port: int):
        self.port, self._target_port = port, target_port
        self._lock = threading.Lock()
        self._pairs = set()  # (client, server) of each connection
        self._passing = threading.Event()
        self._passing.set()
        self._listener = None
        # The shortest classic BPF program: "ret 0", keep nothing of the packet.
        self._instruction = ctypes.create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, 0))
        self._drop_all = struct.pack("HP", 1, ctypes.addressof(self._instruction))
        self._listen()

    def refuse(self) -> None:
        """Nobody listens, and the connections of now are reset."""
        self._listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
        self._listener.close()
        self._listener = None
        with self._lock:
            for pair in self._pairs:
                self._reset(pair)

    def unplug(self) -> None:
        """The kernel drops every packet that comes, first ones of connections included, and nothing goes back: what a
        pulled cable or a dead machine looks like, retransmission and its back-off included."""
        self._passing.clear()
        self._filter(SO_ATTACH_FILTER)

    def resume(self) -> None:
        if self._listener is None:
            self._listen()
        self._filter(SO_DETACH_FILTER)
        self._passing.set()

    def close(self) -> None:
        if self._listener is not None:
            self.refuse()
        self._passing.set()

    def _listen(self) -> None:
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind(("127.0.0.1", self.port))
        self._listener.listen(128)
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def _filter(self, option: int) -> None:
        with self._lock:
            for gated in [self._listener, *(client for client, _ in self._pairs)]:
                try:
                    gated.setsockopt(socket.SOL_SOCKET, option, self._drop_all)
                except PermissionError:
                    raise RuntimeError("this kernel lets only root drop a socket's packets: run unplugged outages as "
                                       "root, or choose others with --outages") from None
                except OSError:
                    pass  # closed meanwhile, or it had no filter

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self._target_port))
            except OSError:
                self._reset((client,))
                continue
            for end in (client, server):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            pair = (client, server)
            with self._lock:
                self._pairs.add(pair)
            for source, sink in (pair, pair[::-1]):
                threading.Thread(target=self._pump, args=(pair, source, sink), daemon=True).start()

    def _pump(self, pair: tuple, source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(1 << 16):
                self._passing.wait()
                sink.sendall(data)
        except OSError:
            pass
        self._passing.wait()
        with self._lock:
            if pair in self._pairs:
                self._pairs.discard(pair)
                self._reset(pair)

    @staticmethod
    def _reset(ends: tuple) -> None:
        """Ends a connection; whoever waits in recv() wakes up, and with the last reference the socket is closed."""
        for end in ends:
            try:
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
