"""Requests over one connection that stays open: to a Unix socket, or to an address with or without TLS.

By the standard library alone: a client of a larger library takes twice the memory and three times the processor time.
"""

import http.client
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

# What a server does to a connection that it has closed between two requests.
CLOSED = (http.client.RemoteDisconnected, http.client.CannotSendRequest, BrokenPipeError, ConnectionResetError)


class HttpError(Exception):
    """There is no usable answer. Its text is the reason."""


@dataclass(frozen=True)
class Target:
    """Where to connect: `socket` is the path of a Unix socket, else host and port; `tls` where it is by TLS."""

    host: str = "localhost"
    port: int = 0
    socket: str = ""
    tls: ssl.SSLContext | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    def connect(self, timeout: float) -> http.client.HTTPConnection:
        """Prepare a connection; nothing is sent yet."""
        if self.socket:
            return _UnixConnection(self.socket, timeout)
        if self.tls:
            return http.client.HTTPSConnection(self.host, self.port, timeout=timeout, context=self.tls)
        return http.client.HTTPConnection(self.host, self.port, timeout=timeout)


@dataclass(frozen=True)
class Answer:
    """A whole answer."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def good(self) -> bool:
        """Whether the server did as it was asked."""
        return self.status == http.client.OK


class Connection:
    """One connection, for one thread."""

    def __init__(self, target: Target, timeout: float) -> None:
        """Prepare; nothing is sent yet."""
        self._target = target
        self._timeout = timeout
        self._open: http.client.HTTPConnection | None = None

    def request(self, method: str, path: str, body: bytes | None = None) -> Answer:
        """Send a request that may be sent twice, and read its answer. No redirect is followed. Raises HttpError."""
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

    def _request(self, method: str, path: str, body: bytes | None) -> Answer:
        if self._open is None:
            self._open = self._target.connect(self._timeout)
        try:
            self._open.request(method, path, body, dict(self._target.headers))
            response = self._open.getresponse()
            answer = Answer(response.status, response.headers, response.read())
        except BaseException:
            self._open.close()
            self._open = None
            raise
        if response.will_close:
            self._open = None
        return answer


@contextmanager
def stream(target: Target, path: str, timeout: float) -> Iterator[tuple[Answer, Iterator[bytes]]]:
    """Request what has no end, and give its lines as they come; the answer's body is empty unless it is an error.

    Only its beginning has to come in time. Raises HttpError.
    """
    connection = target.connect(timeout)
    try:
        connection.request("GET", path, headers=dict(target.headers))
        response = connection.getresponse()
        good = response.status == http.client.OK
        if good and connection.sock:
            connection.sock.settimeout(None)
        yield Answer(response.status, response.headers, b"" if good else response.read()), _lines(response)
    except (OSError, http.client.HTTPException) as error:
        raise HttpError(reason(error)) from error
    finally:
        connection.close()


def _lines(response: http.client.HTTPResponse) -> Iterator[bytes]:
    rest = b""
    while part := response.read1():
        *lines, rest = (rest + part).split(b"\n")
        yield from (line for line in lines if line.strip())


def reason(error: Exception) -> str:
    """Word an error in one line."""
    return " ".join(str(getattr(error, "strerror", None) or error).split()) or type(error).__name__


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
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
