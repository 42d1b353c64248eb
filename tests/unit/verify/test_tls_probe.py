"""Probe TLS as a stranger and as the operator, on a server that requires certificates."""

import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from rollcall.remote.tunnel import Endpoint
from rollcall.secrets import certificates
from rollcall.secrets.certificates import Certificate
from rollcall.verify.tls_probe import certificate, refusal, trusting

AUTHORITY = certificates.authority("Rollcall")
AGENT = certificates.issue(AUTHORITY, "agent", ["app1.node.consul"], "agent")
OPERATOR = certificates.issue(AUTHORITY, "operator", ["operator.rollcall.internal"], "client")
NAME = "app1.node.consul"


class Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(403)  # the response's status does not matter to TLS
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


class Agent(HTTPServer):
    def handle_error(self, *_: object) -> None:
        """Log nothing."""


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Endpoint]:
    """A server that accepts only certificates of the fleet's authority."""
    for name, text in (("agent.pem", AGENT.certificate + AGENT.key), ("ca.pem", AUTHORITY.certificate)):
        (tmp_path / name).write_text(text)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "agent.pem")
    context.load_verify_locations(tmp_path / "ca.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    server = Agent(("127.0.0.1", 0), Answer)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield ("127.0.0.1", int(server.server_port))
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_agent_accepts_the_operator(agent: Endpoint) -> None:
    assert refusal(agent, trusting(AUTHORITY.certificate, OPERATOR), NAME, "/v1/status/leader") == ""


def test_the_agent_refuses_other_certificates(agent: Endpoint) -> None:
    stranger = certificates.authority("Stranger")
    foreign = certificates.issue(stranger, "operator", ["operator.rollcall.internal"], "client")
    assert refusal(agent, trusting(AUTHORITY.certificate), NAME, "/")
    assert refusal(agent, trusting(AUTHORITY.certificate, foreign), NAME, "/")


@pytest.mark.parametrize(
    ("authority", "name", "reason"),
    [
        (certificates.authority("Another"), NAME, "certificate verify failed"),
        (AUTHORITY, "app2.node.consul", "app2.node.consul"),
    ],
)
def test_the_agents_certificate_must_have_its_name(
    agent: Endpoint, authority: Certificate, name: str, reason: str
) -> None:
    assert reason in refusal(agent, trusting(authority.certificate, OPERATOR), name, "/")


def test_a_closed_port_is_a_refusal() -> None:
    assert "refused" in refusal(("127.0.0.1", 1), trusting(AUTHORITY.certificate, OPERATOR), NAME, "/")


def test_the_certificate_is_public(agent: Endpoint) -> None:
    assert certificate(agent) == AGENT.parsed
