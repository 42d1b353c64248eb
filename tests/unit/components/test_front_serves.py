"""keepalived's check of the front, with the real script."""

import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from rollcall.config.project import CHECKOUT

SCRIPT = CHECKOUT / "images" / "keepalived" / "front-serves"
Serving = Callable[[int], HTTPServer]


@pytest.fixture
def serving() -> Iterator[Serving]:
    """Start servers that respond with one status, and record the requested hosts."""
    servers: list[HTTPServer] = []

    def serve(status: int) -> HTTPServer:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.hosts.append(self.headers["Host"])
                self.send_response(status)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Log nothing."""

        server: Any = HTTPServer(("127.0.0.1", 0), Handler)
        server.hosts = []
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        return server

    yield serve
    for one in servers:
        one.shutdown()
        one.server_close()


def asked(port: int) -> int:
    return subprocess.run([str(SCRIPT), "127.0.0.1", str(port)], capture_output=True, check=False).returncode


@pytest.mark.parametrize(("status", "code"), [(204, 0), (200, 1), (404, 1), (502, 1)])
def test_only_the_fronts_own_response_counts(serving: Serving, status: int, code: int) -> None:
    """Another server's 200 at that port, or a front without that response, does not count as a front."""
    server: Any = serving(status)
    assert asked(server.server_port) == code
    assert server.hosts == ["front.rollcall.invalid"]


def test_nothing_listens(serving: Serving) -> None:
    server = serving(204)
    server.shutdown()
    server.server_close()
    assert asked(server.server_port) == 1
