"""Requests over TLS to a server of this test: what is trusted, what is not and why, and connections that end."""

import contextlib
import os
import pty
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from tls_files import TlsFiles

from rollcall.registrator.flags import UsageError
from rollcall.registrator.http_connection import Connection, HttpError, Target, reason, stream
from rollcall.registrator.tls import client_context

Pair = tuple[Path, Path]
ENDED = r"^TLS failed: .*certificate required$|^the server closed the connection$|^Connection reset|^Broken pipe"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "3")
        self.end_headers()
        self.wfile.write(b"ok\n")

    def log_message(self, format: str, *args: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, context: ssl.SSLContext | None) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.connections: list[socket.socket] = []
        self.context = context

    def get_request(self) -> tuple[socket.socket, object]:
        connection, address = super().get_request()
        # The handshake happens in the connection's own thread, at its first read.
        if self.context:
            connection = self.context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        self.connections.append(connection)
        return connection, address

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that does not trust this server is the test's purpose."""


@contextmanager
def serving(pair: Pair | None, client_authority: Path | None = None) -> Iterator[Server]:
    context = None
    if pair:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*pair)
        if client_authority:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(client_authority)
    server = Server(context)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def files(tmp_path: Path) -> TlsFiles:
    return TlsFiles(tmp_path / "tls")


def connection(server: Server, context: ssl.SSLContext, host: str = "localhost") -> Connection:
    return Connection(Target(host, server.server_port, tls=context), 5)


def test_a_trusted_server_responds(files: TlsFiles) -> None:
    with serving(files.issue("localhost")) as server:
        trusting = connection(server, client_context(str(files.ca), "", "", setting="test"))
        assert trusting.request("GET", "/").body == b"ok\n"
        assert trusting.request("GET", "/").ok
        assert len(server.connections) == 1, "kept open"


@pytest.mark.parametrize(
    ("issue", "sentence"),
    [
        (
            lambda files: TlsFiles(files.folder / "other").issue("localhost"),
            "its certificate is invalid: unable to get local issuer certificate",
        ),
        (
            lambda files: files.issue("elsewhere"),
            "its certificate is invalid: Hostname mismatch, certificate is not valid for 'localhost'",
        ),
        (lambda files: files.issue_expired("localhost"), "its certificate is invalid: certificate has expired"),
        (lambda files: None, "it does not speak TLS"),
    ],
    ids=["wrong CA", "wrong name", "expired", "no TLS"],
)
def test_a_server_that_is_not_trusted_is_one_sentence(
    files: TlsFiles, issue: Callable[[TlsFiles], Pair | None], sentence: str
) -> None:
    with serving(issue(files)) as server:
        context = client_context(str(files.ca), "", "", setting="test")
        with pytest.raises(HttpError) as raised:
            connection(server, context).request("GET", "/")
        assert str(raised.value) == sentence
        with pytest.raises(HttpError) as raised, stream(Target("localhost", server.server_port, tls=context), "/", 5):
            pass
        assert str(raised.value) == sentence


def test_a_server_that_requires_a_certificate(files: TlsFiles) -> None:
    certificate, key = files.issue("localhost")
    with serving((certificate, key), files.ca) as server:
        # In TLS 1.3 the server objects after the handshake, and may close the connection before its reason is read.
        with pytest.raises(HttpError, match=ENDED):
            connection(server, client_context(str(files.ca), "", "", setting="test")).request("GET", "/")
        known = client_context(str(files.ca), str(certificate), str(key), setting="test")
        assert connection(server, known).request("GET", "/").ok


def test_a_connection_that_the_server_ended_is_opened_again(files: TlsFiles) -> None:
    with serving(files.issue("localhost")) as server:
        trusting = connection(server, client_context(str(files.ca), "", "", setting="test"))
        assert trusting.request("GET", "/").ok
        # Without TLS's own goodbye, as when the server is killed.
        server.connections[0].shutdown(socket.SHUT_RDWR)
        assert trusting.request("GET", "/").ok


@pytest.mark.parametrize("error", [ssl.SSLEOFError(8, "EOF occurred"), BrokenPipeError(), ssl.SSLZeroReturnError()])
def test_a_write_to_an_ended_connection_is_repeated_once(error: OSError, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(None) as server:
        plain = Connection(Target("127.0.0.1", server.server_port), 5)
        assert plain.request("GET", "/").ok
        failures = [error]
        original = socket.socket.sendall

        def sendall(self: socket.socket, data: bytes) -> None:
            if data.startswith(b"GET") and failures:
                raise failures.pop()
            original(self, data)

        monkeypatch.setattr(socket.socket, "sendall", sendall, raising=False)
        assert plain.request("GET", "/").ok
        assert not failures


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ConnectionRefusedError(111, "Connection refused"), "Connection refused"),
        (TimeoutError("timed out"), "timed out"),
        (ssl.SSLError(1, "x\ny"), "x y"),
        (OSError(), "OSError"),
    ],
)
def test_an_error_is_one_line(error: Exception, text: str) -> None:
    assert reason(error) == text


def test_files_that_cannot_be_used_are_one_sentence(files: TlsFiles) -> None:
    certificate, key = files.issue("localhost")
    other = files.issue("localhost", file="other")[1]
    empty = files.folder / "empty.pem"
    empty.write_text("")
    missing = files.folder / "missing.pem"
    for ca, own, own_key, sentence in (
        (missing, certificate, key, f"consul-tls://: cannot read {missing} (No such file or directory)"),
        (empty, certificate, key, f"consul-tls://: {empty} is not a PEM file"),
        (files.ca, certificate, missing, f"consul-tls://: cannot read {missing}"),
        (files.ca, certificate, other, f"cannot use {certificate} with {other} (key values mismatch)"),
        (files.ca, key, key, f"cannot use {key} with {key}"),
    ):
        with pytest.raises(UsageError) as raised:
            client_context(str(ca), str(own), str(own_key), setting="consul-tls://")
        assert sentence in str(raised.value)
        assert "\n" not in str(raised.value)


def test_a_broken_authority_is_one_sentence(files: TlsFiles) -> None:
    files.ca.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    with pytest.raises(UsageError, match=r"consul-tls://: .*ca.pem"):
        client_context(str(files.ca), "", "", setting="consul-tls://")


def test_an_encrypted_key_is_refused_without_a_prompt(files: TlsFiles) -> None:
    certificate, key = files.issue("localhost")
    private = serialization.load_pem_private_key(key.read_bytes(), None)
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    key.write_bytes(private.private_bytes(pem, pkcs8, serialization.BestAvailableEncryption(b"secret")))
    call = f"client_context('', {str(certificate)!r}, {str(key)!r}, setting='x')"
    use = f"from rollcall.registrator.tls import client_context; {call}"
    # On a terminal, where OpenSSL would prompt.
    child, terminal = pty.fork()
    if child == 0:
        os.execv(sys.executable, [sys.executable, "-c", use])
    shown = b""
    with contextlib.suppress(OSError):
        while b"pass phrase" not in shown and (data := os.read(terminal, 4096)):
            shown += data
    os.close(terminal)
    os.waitpid(child, 0)
    assert b"pass phrase" not in shown
    assert b"expected a PEM certificate and its unencrypted key" in shown
