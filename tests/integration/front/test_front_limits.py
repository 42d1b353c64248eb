"""Limits of size and time for clients, and no access to the front itself."""

import http.server
import itertools
import socket
import threading
import time

import pytest

PATHS = [
    "/v1/agent/self",
    "/v1/catalog/nodes",
    "/v1/kv/rollcall?recurse",
    "/ui/",
    "/status",
    "/stub_status",
    "/generation",
    "//generation",
    "/%67eneration",
    "/x/../generation",
    "http://front/generation",
    "http://unix:/run/rollcall/front/nginx.sock:/generation",
]
HOSTS = ["www.mastartup.io", "front", "localhost", "127.0.0.1:8500"]


@pytest.fixture
def limited(start_front, catalog, backends, until):
    """A front with an instance, small limits and short timeouts."""
    with start_front(max_body_size="1k", client_header_timeout=1, client_body_timeout=1) as front:
        catalog.register("one", backends[0].address)
        until(front.instances, "the instance behind the front")
        yield front


def dripped(front, start: bytes, drip: bytes, pause: float, drips: int) -> bytes:
    """Send a start, then one drip after another, until a response; return it, or b"" if the front closes."""
    with socket.create_connection(("127.0.0.1", front.http_port), 5) as visitor:
        visitor.sendall(start)
        visitor.settimeout(pause)
        for _ in range(drips):
            try:
                return visitor.recv(4096)
            except TimeoutError:
                visitor.sendall(drip)
            except ConnectionResetError:
                return b""
        visitor.settimeout(5)
        return visitor.recv(4096)


def test_a_body_that_is_too_large_is_refused(limited) -> None:
    assert limited.get("/json", body=b"x" * 1024).status == 200
    assert limited.get("/json", body=b"x" * 1025).status == 413
    assert limited.get("/json", tls=True, body=b"x" * 1025).status == 413


def test_a_slow_header_times_out(limited) -> None:
    started = time.monotonic()
    answer = dripped(limited, b"GET /health HTTP/1.1\r\nHost: x\r\n", b"X-Drip: 1\r\n", 0.2, 25)
    assert not answer.startswith(b"HTTP/1.1 200")
    assert time.monotonic() - started < 3


def test_a_stalled_body_times_out(limited) -> None:
    head = b"POST /json HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n"
    started = time.monotonic()
    assert not dripped(limited, head + b"x" * 50, b"", 5, 1).startswith(b"HTTP/1.1 200")
    assert time.monotonic() - started < 3


def test_a_slow_upload_may_continue_while_it_makes_progress(limited) -> None:
    head = b"POST /json HTTP/1.1\r\nHost: x\r\nContent-Length: 12\r\n\r\n"
    assert dripped(limited, head, b"x", 0.2, 12).startswith(b"HTTP/1.1 200")


class Receiver(http.server.BaseHTTPRequestHandler):
    """A backend that counts the bytes that it receives."""

    def do_POST(self) -> None:
        count = str(len(self.rfile.read(int(self.headers["Content-Length"])))).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(count)))
        self.end_headers()
        self.wfile.write(count)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@pytest.fixture
def receiver():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
        threading.Thread(target=server.serve_forever).start()
        yield server.server_port
        server.shutdown()


def test_an_upload_of_80_megabytes_succeeds(front, catalog, receiver: int, until) -> None:
    """That is more than the front's memory file systems hold."""
    catalog.register("receiver", "127.0.0.1", receiver)
    until(front.instances, "the instance behind the front")
    assert front.get("/", body=bytes(80_000_000)).text == "80000000"


def test_clients_cannot_reach_the_fronts_or_consuls_own_paths(served, backends) -> None:
    """The backend responds to every path."""
    page = f"<title>{backends[0].name}</title>"
    for path, host, tls in itertools.product(PATHS, HOSTS, (False, True)):
        answer = served.get(path, host=host, tls=tls)
        assert answer.status in (200, 400, 404), (path, host)
        assert answer.status != 200 or page in answer.text, (path, host)
