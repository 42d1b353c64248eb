"""TLS as a host shows it to those who connect: its certificate, and whom it lets in."""

import http.client
import socket
import ssl
import tempfile
from pathlib import Path

from cryptography import x509

from rollcall.contract.timeouts import stretched
from rollcall.remote.tunnel import Endpoint
from rollcall.secrets.certificates import Certificate

ANSWER_SECONDS = 5.0


def trusting(authority: str, certificate: Certificate | None = None) -> ssl.SSLContext:
    """Make the context of a client that believes this authority (PEM) alone, and that may have a certificate."""
    context = ssl.create_default_context(cadata=authority)
    if certificate:
        # Python takes a certificate from a file only; nobody else can look into this folder.
        with tempfile.TemporaryDirectory(prefix="rollcall-") as folder:
            file = Path(folder) / "client.pem"
            file.write_text(certificate.certificate + certificate.key)
            context.load_cert_chain(file)
    return context


def unverified() -> ssl.SSLContext:
    """Make the context of a client that takes any certificate, whoever signed it and for whatever name."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def certificate(endpoint: Endpoint) -> x509.Certificate:
    """Read the certificate that is shown to anybody, whoever signed it. Raises OSError: there is none to see."""
    with (
        socket.create_connection(endpoint, stretched(ANSWER_SECONDS)) as plain,
        unverified().wrap_socket(plain) as encrypted,
    ):
        return x509.load_der_x509_certificate(encrypted.getpeercert(binary_form=True) or b"")


def refusal(endpoint: Endpoint, context: ssl.SSLContext, name: str, path: str) -> str:
    """Ask for a path, expecting a certificate for that name; say why nothing was answered, "" if something was.

    With TLS 1.3 a client hears only with the answer that its certificate was refused.
    """
    try:
        with (
            socket.create_connection(endpoint, stretched(ANSWER_SECONDS)) as plain,
            context.wrap_socket(plain, server_hostname=name) as encrypted,
        ):
            encrypted.sendall(f"GET {path} HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n".encode())
            response = http.client.HTTPResponse(encrypted)
            response.begin()
            response.read()
    except (OSError, http.client.HTTPException) as problem:
        return str(problem) or type(problem).__name__
    return ""
