"""The health server: a thread of its own, so that it answers also for an event loop that does not."""

import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from streams.health.report import Report, answer

_PATIENCE_S = 10.0


class PortTakenError(RuntimeError):
    """The port of the settings cannot be listened on; the message names the setting."""


class HealthServer:
    """Answers GET and HEAD of `/livez`, `/readyz`, `/healthz` and `/metrics`; everything else is not found."""

    def __init__(self, host: str, port: int, report: Report, registry: CollectorRegistry) -> None:
        """Listen at once; raises PortTakenError."""
        handler = type("Handler", (_Handler,), {"report": report, "registry": registry})
        try:
            self._server = _Server((host, port), handler)
        except OSError as error:
            raise PortTakenError(f"health.port: cannot listen on {host}:{port}: {error.strerror}") from None

    @property
    def port(self) -> int:
        """Return the port that it listens on."""
        return int(self._server.server_address[1])

    def start(self) -> None:
        """Begin to answer."""
        threading.Thread(target=self._server.serve_forever, name="health", daemon=True).start()

    def stop(self) -> None:
        """Answer no more."""
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say what went wrong, unless it is that whoever asked has gone."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    report: Report
    registry: CollectorRegistry
    timeout = _PATIENCE_S  # of a connection that says nothing
    server_version, sys_version = "gridwatch", ""

    def do_GET(self) -> None:
        match self.path.partition("?")[0]:
            case "/livez":
                self._send(*answer(self.report.live()), "application/json")
            case "/readyz" | "/healthz":
                self._send(*answer(self.report.ready()), "application/json")
            case "/metrics":
                encode, content_type = choose_encoder(self.headers.get("Accept", ""))
                self._send(200, encode(self.registry), content_type)
            case _:
                self._send(404, b"not found: /livez, /readyz, /healthz, /metrics\n", "text/plain")

    def do_HEAD(self) -> None:
        self.do_GET()

    def _send(self, status: int, body: bytes, content_type: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *what: object) -> None:
        """Log nothing: whoever asks does so every few seconds."""
