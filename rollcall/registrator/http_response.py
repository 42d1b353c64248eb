"""Read HTTP responses from a socket, with llhttp (httptools).

http.client takes a third of the registrator's processor time, most of it in the email package's parser of headers.
"""

import socket
from collections.abc import Iterator
from http import HTTPStatus

import httptools

RECEIVE_BYTES = 65536


class BadResponseError(Exception):
    """These bytes are no complete HTTP response. The text is the reason."""


class ClosedError(BadResponseError):
    """The server closed the connection before its response."""


class IncomingResponse:
    """One response, read as far as wanted. The methods raise OSError or BadResponseError.

    `status` is 0 until `read_headers`; the names in `headers` are lower case. `keeps_alive`: another request may follow
    on the same connection.
    """

    def __init__(self, connection: socket.socket) -> None:
        """Prepare; reads nothing yet."""
        self._connection = connection
        self._parser = httptools.HttpResponseParser(self)
        self._parts: list[bytes] = []
        self._has_headers = False
        self._complete = False
        self.status = 0
        self.headers: dict[str, str] = {}
        self.keeps_alive = False

    def read_headers(self) -> None:
        """Read until the headers are complete."""
        while not self._has_headers:
            self._receive()

    def read_body(self) -> bytes:
        """Read until the response is complete, and return its body."""
        while not self._complete:
            self._receive()
        return b"".join(self._parts)

    def body_parts(self) -> Iterator[bytes]:
        """Yield the body as it arrives."""
        while True:
            yield from self._parts
            self._parts.clear()
            if self._complete:
                return
            self._receive()

    def _receive(self) -> None:
        data = self._connection.recv(RECEIVE_BYTES)
        if not data:
            self._end()
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            raise BadResponseError("not an HTTP response: it switches to another protocol") from None
        except httptools.HttpParserError as error:
            raise BadResponseError(f"not an HTTP response: {error}") from None

    def _end(self) -> None:
        if not self._has_headers:
            raise ClosedError("the server closed the connection without a response")
        if self.headers.keys() & {"content-length", "transfer-encoding"}:
            raise BadResponseError("the server closed the connection within its response")
        # Without a length, the body ends with the connection.
        self._complete = True

    # What the parser calls.

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take in a header."""
        self.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        """Take in the end of the headers."""
        self.status = self._parser.get_status_code()
        self.keeps_alive = self._parser.should_keep_alive()
        self._has_headers = self.status >= HTTPStatus.OK
        if not self._has_headers:
            # "100 Continue" and others of its kind come before the response itself.
            self.headers.clear()

    def on_body(self, data: bytes) -> None:
        """Take in a part of the body."""
        self._parts.append(data)

    def on_message_complete(self) -> None:
        """Take in the end of the response."""
        self._complete = self._has_headers
