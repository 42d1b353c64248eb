"""Probe a host's TLS: its certificate, and which clients it accepts."""

import http.client
import socket
import ssl
import tempfile
from pathlib import Path

from cryptography import x509

from rollcall.contract.timeouts import stretched
from rollcall.remote.tunnel import Endpoint
from rollcall.secrets.certificates import Certificate

RESPONSE_TIMEOUT_SECONDS = 5.0


def trusting(authority: str, certificate: Certificate | None = None) -> ssl.SSLContext:
    """Make the context of a client that trusts only this authority (PEM), with an optional certificate."""
    context = ssl.create_default_context(cadata=authority)
    if certificate:
        # Python reads a certificate only from a file; the folder is private to this user.
        with tempfile.TemporaryDirectory(prefix="rollcall-") as folder:
            file = Path(folder) / "client.pem"
            file.write_text(certificate.certificate + certificate.key)
            context.load_cert_chain(file)
    return context


def unverified() -> ssl.SSLContext:
    """Make the context of a client that accepts any certificate, of any issuer and for any name."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def certificate(endpoint: Endpoint, preface: bytes = b"", name: str = "") -> x509.Certificate:
    """Read the certificate that a server presents, of any issuer; raise OSError without one.

    `preface` comes before the handshake, in which `name` is the server's.
    """
    with socket.create_connection(endpoint, stretched(RESPONSE_TIMEOUT_SECONDS)) as plain:
        plain.sendall(preface)
        encrypted = unverified().wrap_socket(plain, server_hostname=name or None)
        with encrypted:
            return x509.load_der_x509_certificate(encrypted.getpeercert(binary_form=True) or b"")


def refusal(endpoint: Endpoint, context: ssl.SSLContext, name: str, path: str) -> str:
    """Request a path, expecting a certificate for that name; return why there is no response, or "".

    With TLS 1.3 a client learns only with the response that the server refused its certificate.
    """
    try:
        with (
            socket.create_connection(endpoint, stretched(RESPONSE_TIMEOUT_SECONDS)) as plain,
            context.wrap_socket(plain, server_hostname=name) as encrypted,
        ):
            encrypted.sendall(f"GET {path} HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n".encode())
            response = http.client.HTTPResponse(encrypted)
            response.begin()
            response.read()
    except (OSError, http.client.HTTPException) as problem:
        return str(problem) or type(problem).__name__
    return ""
