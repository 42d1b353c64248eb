"""A true HTTP proxy in front of a server: it passes requests on, tells which, and lets a test step in."""

import http.client
import http.server
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from free_ports import free_port

from rollcall.contract.timeouts import stretched

_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "date", "server"}
# Longer than Consul's blocking queries.
_TIMEOUT_SECONDS = stretched(120)


@dataclass
class Passed:
    """One request, and the status of its response, 0 until there is one."""

    method: str
    path: str
    body: bytes
    status: int = 0


@dataclass(frozen=True)
class Answer:
    """A response of the test's own."""

    status: int
    body: bytes
    headers: Mapping[str, str]


def _pass_on(request: Passed) -> Answer | None:
    return None


@dataclass
class Relay:
    """The proxy; `before` may answer a request instead of the server, `after` sees it when the server has answered."""

    port: int
    target: str
    trusted: Path | None = None
    pair: tuple[Path, Path] | None = None
    before: Callable[[Passed], Answer | None] = _pass_on
    after: Callable[[Passed], object] = _pass_on
    passed: list[Passed] = field(default_factory=list)
    own: str = "127.0.0.1"
    _server: http.server.ThreadingHTTPServer | None = None

    def up(self) -> None:
        """Listen."""
        self._server = http.server.ThreadingHTTPServer((self.own, self.port), _handler(self))
        if self.pair:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*self.pair)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def down(self) -> None:
        """Refuse connections; those that are open end with their next request."""
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    @property
    def is_up(self) -> bool:
        return self._server is not None

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"{self.own}:{self.port}"

    def count(self, path: str) -> int:
        """Return how many requests had this in their paths."""
        return sum(path in request.path for request in self.passed)

    def send(self, request: Passed, headers: http.client.HTTPMessage) -> Answer:
        """Send a request to the server."""
        context = ssl.create_default_context(cafile=str(self.trusted)) if self.trusted else None
        host, _, number = self.target.rpartition(":")
        port = int(number)
        connection = (
            http.client.HTTPSConnection(host, port, timeout=_TIMEOUT_SECONDS, context=context)
            if context
            else http.client.HTTPConnection(host, port, timeout=_TIMEOUT_SECONDS)
        )
        try:
            connection.request(request.method, request.path, request.body, dict(headers.items()))
            response = connection.getresponse()
            kept = {name: value for name, value in response.getheaders() if name.lower() not in _HOP_BY_HOP}
            return Answer(response.status, response.read(), kept)
        finally:
            connection.close()


def _handler(relay: Relay) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _handle(self) -> None:
            request = Passed(self.command, self.path, self.rfile.read(int(self.headers.get("Content-Length") or 0)))
            if not relay.is_up:
                self.close_connection = True
                return
            relay.passed.append(request)
            answer = relay.before(request)
            if answer is None:
                try:
                    answer = relay.send(request, self.headers)
                except (OSError, http.client.HTTPException):
                    self.close_connection = True
                    return
                request.status = answer.status
                relay.after(request)
            # The client may be dead by now: some tests kill it.
            with suppress(OSError):
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(answer.body)

        do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _handle  # noqa: N815 — the standard library's names

        def log_message(self, *_: object) -> None:
            """Write nothing: the test tells what went wrong."""

    return Handler


@contextmanager
def relay(
    target: str, trusted: Path | None = None, pair: tuple[Path, Path] | None = None, own: str = "127.0.0.1"
) -> Iterator[Relay]:
    """Run a proxy until the block ends: with TLS to a server that `trusted` vouches for, with TLS by `pair` itself."""
    running = Relay(free_port(), target, trusted, pair, own=own)
    running.up()
    try:
        yield running
    finally:
        running.down()
