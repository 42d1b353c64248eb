"""curl sends the intended request for its configuration."""

import http.server
import subprocess
import threading
from collections.abc import Iterator

import pytest

from rollcall.consul import curl
from rollcall.consul.agent_client import Request
from rollcall.sections import MARKER


class Agent(http.server.BaseHTTPRequestHandler):
    """Responds with the received body, or with the requested path."""

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.path.encode())

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@pytest.fixture
def base() -> Iterator[str]:
    with http.server.HTTPServer(("127.0.0.1", 0), Agent) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize(
    "body", ["@/etc/hostname", 'Wir sind um "zwölf" zurück — bald', "\\u00e4 \\n C:\\new", '{"v2": 10}', "", "tab\tend"]
)
def test_a_body_arrives_as_it_is(base: str, body: str) -> None:
    given = curl.configuration([Request("PUT", "/v1/kv/sentence", body)] * 2, base)
    said = subprocess.run(curl.COMMAND.split(), input=given, capture_output=True, text=True, check=True).stdout
    assert [(one.status, one.body) for one in curl.responses(said)] == [(200, body)] * 2


@pytest.mark.parametrize("path", ["/v1/a/../b", "/v1/kv/%2E%2E", "/v1/x%2F..%2Fy//z", "/v1/./a"])
def test_a_path_arrives_as_it_is(base: str, path: str) -> None:
    given = curl.configuration([Request("GET", path)], base)
    said = subprocess.run(curl.COMMAND.split(), input=given, capture_output=True, text=True, check=True).stdout
    assert [one.body for one in curl.responses(said)] == [path]


def test_a_character_that_only_python_treats_as_a_line_end_is_text() -> None:
    """A container may have one in a tag, and JSON does not escape it."""
    said = f'{{"Tags":["a\x85b\u2028c"]}}\n{MARKER} 200\n'
    assert [one.body for one in curl.responses(said)] == ['{"Tags":["a\x85b\u2028c"]}']
