"""HTTP requests over one keep-alive connection: to a Unix socket, or to an address with or without TLS.

Whole client libraries cost twice the memory, and http.client nine times the processor time of a request.
"""

import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from http import HTTPStatus

from rollcall.registrator.http_response import BadResponseError, ClosedError, IncomingResponse

# How a request fails if the server closed the connection since the last one.
CLOSED = (ClosedError, BrokenPipeError, ConnectionResetError, ssl.SSLEOFError, ssl.SSLZeroReturnError)
# OpenSSL's name for bytes that are not TLS.
NOT_TLS = "WRONG_VERSION_NUMBER"


class HttpError(Exception):
    """There is no usable response. The text is the reason."""


@dataclass(frozen=True)
class Target:
    """Where to connect: the path of a Unix socket, or host and port, with TLS if there is a context for it."""

    host: str = "localhost"
    port: int = 0
    socket: str = ""
    tls: ssl.SSLContext | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    @cached_property
    def header_lines(self) -> str:
        """The headers of every request."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        fields = {"Host": f"{host}:{self.port}" if self.port else host, "Accept-Encoding": "identity", **self.headers}
        return "".join(f"{name}: {value}\r\n" for name, value in fields.items())

    def request(self, method: str, path: str, body: bytes | None = None) -> bytes:
        """Return a request, whose path is encoded already."""
        length = f"Content-Length: {len(body)}\r\n" if body is not None else ""
        return f"{method} {path} HTTP/1.1\r\n{self.header_lines}{length}\r\n".encode("ascii") + (body or b"")


@dataclass(frozen=True)
class Response:
    """A complete response. The names of its headers are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def ok(self) -> bool:
        """Whether the status is 200."""
        return self.status == HTTPStatus.OK


class Connection:
    """One keep-alive connection, for one thread."""

    def __init__(self, target: Target, timeout_seconds: float) -> None:
        """Prepare; the first request opens it."""
        self._target = target
        self._timeout_seconds = timeout_seconds
        self._open: socket.socket | None = None

    def request(self, method: str, path: str, body: bytes | None = None) -> Response:
        """Send an idempotent request and read its response. Follows no redirect. Raises HttpError."""
        used = self._open is not None
        try:
            return self._request(method, path, body)
        except CLOSED as error:
            if not used:
                raise HttpError(reason(error)) from error
        except (OSError, BadResponseError) as error:
            raise HttpError(reason(error)) from error
        try:
            return self._request(method, path, body)
        except (OSError, BadResponseError) as error:
            raise HttpError(reason(error)) from error

    def _request(self, method: str, path: str, body: bytes | None) -> Response:
        if self._open is None:
            self._open = _connect(self._target, self._timeout_seconds)
        received = IncomingResponse(self._open)
        try:
            self._open.sendall(self._target.request(method, path, body))
            received.read_headers()
            response = Response(received.status, received.headers, received.read_body())
        except BaseException:
            self._close(self._open)
            raise
        if not received.keeps_alive:
            self._close(self._open)
        return response

    def _close(self, connection: socket.socket) -> None:
        connection.close()
        self._open = None


@contextmanager
def stream(target: Target, path: str, timeout_seconds: float) -> Iterator[tuple[Response, Iterator[bytes]]]:
    """Request an endless response, and yield its lines as they come. The body is empty unless it is an error's.

    The timeout applies until the headers are read. Raises HttpError.
    """
    try:
        with _connect(target, timeout_seconds) as connection:
            connection.sendall(target.request("GET", path))
            received = IncomingResponse(connection)
            received.read_headers()
            ok = received.status == HTTPStatus.OK
            if ok:
                connection.settimeout(None)
            body = b"" if ok else received.read_body()
            yield Response(received.status, received.headers, body), _lines(received)
    except (OSError, BadResponseError) as error:
        raise HttpError(reason(error)) from error


def _lines(received: IncomingResponse) -> Iterator[bytes]:
    rest = b""
    for part in received.body_parts():
        *lines, rest = (rest + part).split(b"\n")
        yield from (line for line in lines if line.strip())


def reason(error: Exception) -> str:
    """Describe an error in one line."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is invalid: {error.verify_message.rstrip('.')}"
    if isinstance(error, ssl.SSLEOFError):
        return "the server closed the connection"
    # OpenSSL's own errors have a reason, such as TLSV13_ALERT_CERTIFICATE_REQUIRED.
    if isinstance(error, ssl.SSLError) and (code := getattr(error, "reason", None)):
        return "it does not speak TLS" if code == NOT_TLS else f"TLS failed: {code.lower().replace('_', ' ')}"
    return " ".join(str(getattr(error, "strerror", None) or error).split()) or type(error).__name__


def _connect(target: Target, timeout_seconds: float) -> socket.socket:
    if target.socket:
        return _connect_unix(target.socket, timeout_seconds)
    connection = socket.create_connection((target.host, target.port), timeout_seconds)
    try:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return target.tls.wrap_socket(connection, server_hostname=target.host) if target.tls else connection
    except BaseException:
        connection.close()
        raise


def _connect_unix(path: str, timeout_seconds: float) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.settimeout(timeout_seconds)
        connection.connect(path)
    except BaseException:
        connection.close()
        raise
    return connection
