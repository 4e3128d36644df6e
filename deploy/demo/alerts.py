"""Receives the relay's webhook, as a chat bot or an Alertmanager would, and tells what it said."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

BODY_BYTES_MAX = 1 << 20


class AlertReceiver:
    def __init__(self, port: int, say):
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = min(int(self.headers.get("Content-Length", "0")), BODY_BYTES_MAX)
                tell(json.loads(self.rfile.read(length)), say)
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_args) -> None:
                """Quiet: `say` tells it."""

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def tell(notification: dict, say) -> None:
    """One line per alert of Alertmanager's version 4 body."""
    for alert in notification["alerts"]:
        name = " ".join(f"{key}={value}" for key, value in sorted(alert["labels"].items()))
        say("alert", f"{alert['status']}: {name}: {alert['annotations'].get('summary', '')}")
