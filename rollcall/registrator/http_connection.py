"""HTTP requests over one keep-alive connection: to a Unix socket, or to an address with or without TLS.

Uses the standard library alone: a larger client costs twice the memory and three times the processor time.
"""

import http.client
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

# How a request fails if the server closed the connection since the last one.
CLOSED = (
    http.client.RemoteDisconnected,
    http.client.CannotSendRequest,
    BrokenPipeError,
    ConnectionResetError,
    ssl.SSLEOFError,
    ssl.SSLZeroReturnError,
)
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

    def connect(self, timeout_seconds: float) -> http.client.HTTPConnection:
        """Prepare a connection; the first request opens it."""
        if self.socket:
            return _UnixConnection(self.socket, timeout_seconds)
        if self.tls:
            return http.client.HTTPSConnection(self.host, self.port, timeout=timeout_seconds, context=self.tls)
        return http.client.HTTPConnection(self.host, self.port, timeout=timeout_seconds)


@dataclass(frozen=True)
class Response:
    """A complete response."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def ok(self) -> bool:
        """Whether the status is 200."""
        return self.status == http.client.OK


class Connection:
    """One keep-alive connection, for one thread."""

    def __init__(self, target: Target, timeout_seconds: float) -> None:
        """Prepare; the first request opens it."""
        self._target = target
        self._timeout_seconds = timeout_seconds
        self._open: http.client.HTTPConnection | None = None

    def request(self, method: str, path: str, body: bytes | None = None) -> Response:
        """Send an idempotent request and read its response. Follows no redirect. Raises HttpError."""
        used = self._open is not None
        try:
            return self._request(method, path, body)
        except CLOSED as error:
            if not used:
                raise HttpError(reason(error)) from error
        except (OSError, http.client.HTTPException) as error:
            raise HttpError(reason(error)) from error
        try:
            return self._request(method, path, body)
        except (OSError, http.client.HTTPException) as error:
            raise HttpError(reason(error)) from error

    def _request(self, method: str, path: str, body: bytes | None) -> Response:
        if self._open is None:
            self._open = self._target.connect(self._timeout_seconds)
        try:
            self._open.request(method, path, body, dict(self._target.headers))
            received = self._open.getresponse()
            response = Response(received.status, received.headers, received.read())
        except BaseException:
            self._open.close()
            self._open = None
            raise
        if received.will_close:
            self._open = None
        return response


@contextmanager
def stream(target: Target, path: str, timeout_seconds: float) -> Iterator[tuple[Response, Iterator[bytes]]]:
    """Request an endless response, and yield its lines as they come. The body is empty unless it is an error's.

    The timeout applies until the headers are read. Raises HttpError.
    """
    connection = target.connect(timeout_seconds)
    try:
        connection.request("GET", path, headers=dict(target.headers))
        received = connection.getresponse()
        ok = received.status == http.client.OK
        if ok and connection.sock:
            connection.sock.settimeout(None)
        yield Response(received.status, received.headers, b"" if ok else received.read()), _lines(received)
    except (OSError, http.client.HTTPException) as error:
        raise HttpError(reason(error)) from error
    finally:
        connection.close()


def _lines(received: http.client.HTTPResponse) -> Iterator[bytes]:
    rest = b""
    while part := received.read1():
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


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout_seconds: float) -> None:
        super().__init__("localhost", timeout=timeout_seconds)
        self._path = path

    def connect(self) -> None:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(self.timeout)
        try:
            connection.connect(self._path)
        except OSError:
            connection.close()
            raise
        self.sock = connection
