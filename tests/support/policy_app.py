"""A service for the tests of policies: it tells what it got, and responds as a path asks for."""

import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

# As much as a sign-in by OpenID Connect sets.
COOKIES = {f"part{number}": str(number) * 1500 for number in range(4)}
TEXT = "All work and no play makes Jack a dull boy. " * 100


class _App(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        app: Any = self.server
        app.seen[self.path] += 1
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        if self.path.startswith("/fails"):
            self.close_connection = True
            return
        document = {"app": app.name, "path": self.path, "body": len(body), "headers": dict(self.headers.items())}
        sent = TEXT if self.path == "/text" else json.dumps(document)
        user = self.headers.get("X-Try-User", "")
        self.send_response(401 if self.path.startswith("/verify") and not user else 200)
        if self.path.startswith("/verify"):
            self.send_header("Remote-User", user)
        if self.path == "/cookies":
            for name, value in COOKIES.items():
                self.send_header("Set-Cookie", f"{name}={value}")
        self.send_header("Content-Type", "text/plain" if self.path == "/text" else "application/json")
        self.send_header("X-Powered-By", "tests")
        self.send_header("Access-Control-Allow-Origin", "*")
        self.send_header("Content-Length", str(len(sent)))
        self.end_headers()
        self.wfile.write(sent.encode())

    def do_POST(self) -> None:
        self.do_GET()

    def do_OPTIONS(self) -> None:
        self.do_GET()

    def log_message(self, *_: object) -> None:
        pass


class App(ThreadingHTTPServer):
    """A running service; `seen` counts its requests by path."""

    daemon_threads = True

    def __init__(self, name: str) -> None:
        super().__init__(("127.0.0.1", 0), _App)
        self.name = name
        self.seen: Counter[str] = Counter()


@contextmanager
def running(name: str) -> Iterator[App]:
    with App(name) as app:
        threading.Thread(target=app.serve_forever, daemon=True).start()
        yield app
        app.shutdown()
