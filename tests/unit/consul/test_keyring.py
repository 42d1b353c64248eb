"""The keyring through an agent whose members do not all respond at once: their responses are single UDP packets."""

import http.server
import threading
from collections.abc import Iterator

import pytest

from rollcall.consul import keyring
from rollcall.consul.keyring import Keyring
from rollcall.errors import RollcallError

LOST = "1 error occurred:\n\t* dc1 (LAN) error: 5/6 nodes reported success"
FAILED = "1 error occurred:\n\t* dc1 (LAN) error: 6/6 nodes reported failure"


class Agent(http.server.ThreadingHTTPServer):
    """Responds as configured, and with an empty 200 afterwards."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.refusals: list[str] = []
        self.asked: list[str] = []


class Handler(http.server.BaseHTTPRequestHandler):
    server: Agent

    def do_PUT(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.asked.append(self.command)
        text = self.server.refusals.pop(0) if self.server.refusals else ""
        self.send_response(500 if text else 200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def do_POST(self) -> None:
        self.do_PUT()

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing."""


@pytest.fixture
def agent(monkeypatch: pytest.MonkeyPatch) -> Iterator[Agent]:
    monkeypatch.setattr(keyring, "RETRY_SECONDS", 0.01)
    with Agent() as one:
        thread = threading.Thread(target=one.serve_forever, args=(0.01,))
        thread.start()
        yield one
        one.shutdown()
        thread.join()


def ring(agent: Agent) -> Keyring:
    return Keyring(f"http://127.0.0.1:{agent.server_port}", "token")


def test_a_lost_response_is_retried(agent: Agent) -> None:
    agent.refusals = [LOST, LOST]
    ring(agent).change("key")
    assert agent.asked == ["POST", "POST", "POST", "PUT"]


def test_a_member_that_never_responds_is_reported(agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyring, "LONGEST_RETRY_SECONDS", 0.1)
    agent.refusals = [LOST] * 1000
    with pytest.raises(RollcallError, match="5/6 nodes reported success"):
        ring(agent).change("key")
    assert set(agent.asked) == {"POST"}


def test_a_members_rejection_is_reported_at_once(agent: Agent) -> None:
    agent.refusals = [FAILED]
    with pytest.raises(RollcallError, match="6/6 nodes reported failure"):
        ring(agent).change("key")
    assert agent.asked == ["POST"]
