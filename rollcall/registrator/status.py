"""Serve `/healthz` and `/metrics`."""

import json
import socket
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from rollcall.contract.timeouts import stretched
from rollcall.registrator.metrics import Metrics
from rollcall.registrator.settings import Endpoint

# A turn of the loop takes at most as long as a request to Docker (20 s); after three of them it hangs.
STUCK_SECONDS = stretched(60.0)
METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True)
class Status:
    """Whether Docker and Consul respond, and whether the loop still turns."""

    docker: bool
    consul: bool
    loop: bool

    @property
    def healthy(self) -> bool:
        """Whether all of them are."""
        return self.docker and self.consul and self.loop


def serve(endpoint: Endpoint, status: Callable[[], Status], metrics: Metrics) -> ThreadingHTTPServer:
    """Serve requests in separate threads. Raises OSError if the address is not available."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/healthz":
                now = status()
                code = HTTPStatus.OK if now.healthy else HTTPStatus.SERVICE_UNAVAILABLE
                self._respond(code, "application/json", json.dumps(asdict(now)).encode() + b"\n")
            elif self.path == "/metrics":
                self._respond(HTTPStatus.OK, METRICS_TYPE, metrics.text())
            else:
                self._respond(HTTPStatus.NOT_FOUND, "text/plain", b"Not found; the paths are /healthz and /metrics.\n")

        def _respond(self, code: HTTPStatus, kind: str, body: bytes) -> None:
            self.send_response(code)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Log nothing: scrapes come every few seconds."""

    class Server(ThreadingHTTPServer):
        address_family = socket.AF_INET6 if ":" in endpoint.host else socket.AF_INET

    server = Server((endpoint.host, endpoint.port), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True, name="status").start()
    return server
