"""HTTP/1.1 over asyncio's streams, one request per connection; h11 parses and writes the messages."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

import h11

# A browser's header has a few hundred bytes.
MAX_HEADER_BYTES = 16 * 1024
_CHUNK = 16 * 1024


class InvalidMessageError(Exception):
    """The other side does not speak HTTP/1.1."""

    def __init__(self, error: h11.RemoteProtocolError) -> None:
        """Take h11's error; `status` is the response to a client."""
        super().__init__(str(error))
        self.status = error.error_status_hint


class Served:
    """The connection of a client, served at our end."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take a new connection."""
        self._connection = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEADER_BYTES)
        self._reader = reader
        self._writer = writer
        self._has_body = True

    async def request(self) -> h11.Request | None:
        """Read the header of the request; None if the client is gone.

        Raises:
            InvalidMessageError: it is invalid, or too large.
        """
        event = await _event(self._connection, self._reader)
        if not isinstance(event, h11.Request):
            return None
        self._has_body = event.method != b"HEAD"
        return event

    def respond(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """Write a whole response, to HEAD without its body."""
        fields = [*headers.items(), ("Content-Length", str(len(body))), ("Connection", "close")]
        reason = HTTPStatus(status).phrase.encode()
        events: list[h11.Event] = [h11.Response(status_code=status, headers=fields, reason=reason)]
        events += [h11.Data(data=body)] if body and self._has_body else []
        _write(self._connection, self._writer, [*events, h11.EndOfMessage()])


@dataclass(frozen=True)
class Response:
    """A response's status, headers by their names in lower case, and body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


async def get(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str, headers: Mapping[str, str], limit: int
) -> Response:
    """Request a path and read at least `limit` bytes of the body, or all of it.

    Raises:
        InvalidMessageError: the server does not speak HTTP/1.1, or closes the connection early.
    """
    connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEADER_BYTES)
    fields = [*headers.items(), ("Connection", "close")]
    _write(connection, writer, [h11.Request(method="GET", target=path, headers=fields), h11.EndOfMessage()])
    head = await _event(connection, reader)
    while isinstance(head, h11.InformationalResponse):
        head = await _event(connection, reader)
    assert isinstance(head, h11.Response)  # noqa: S101 - h11 knows no other event here
    body = b""
    while len(body) < limit and isinstance(data := await _event(connection, reader), h11.Data):
        body += data.data
    found = {name.decode("latin-1"): value.decode("latin-1") for name, value in head.headers}
    return Response(head.status_code, found, body)


async def _event(connection: h11.Connection, reader: asyncio.StreamReader) -> h11.Event:
    try:
        while (event := connection.next_event()) is h11.NEED_DATA:
            connection.receive_data(await reader.read(_CHUNK))
    except h11.RemoteProtocolError as error:
        raise InvalidMessageError(error) from None
    assert isinstance(event, h11.Event)  # noqa: S101 - PAUSED needs a second request
    return event


def _write(connection: h11.Connection, writer: asyncio.StreamWriter, events: list[h11.Event]) -> None:
    writer.write(b"".join(connection.send(event) or b"" for event in events))
