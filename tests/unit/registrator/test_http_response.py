"""What a client makes of a server's bytes, however the network divides them."""

import http.client
import io
import itertools
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollcall.registrator.http_response import BadResponseError, ClosedError, IncomingResponse

LENGTH = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 3\r\n\r\nok\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nok\n\r\na\r\n0123456789\r\n0\r\n\r\n"
EMPTY = b"HTTP/1.1 404 Not Found\r\nX-Reason: none\r\nContent-Length: 0\r\n\r\n"
CLOSING = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 3\r\n\r\nok\n"
OLD = b"HTTP/1.0 200 OK\r\n\r\nuntil the end"
CONTINUED = b"HTTP/1.1 100 Continue\r\n\r\n" + LENGTH
RESPONSES = (LENGTH, CHUNKED, EMPTY, CLOSING, OLD, CONTINUED)


class Sent(io.BytesIO):
    """What http.client reads instead of a socket."""

    def makefile(self, mode: str) -> "Sent":
        return self


@contextmanager
def server_of(parts: list[bytes]) -> Iterator[socket.socket]:
    """Provide the client's end of a connection whose other end sends these parts and closes."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        for part in parts:
            theirs.sendall(part)
        theirs.shutdown(socket.SHUT_WR)
        yield ours


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % len(data) for place in places), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(edges) if start < end]


class Piecewise:
    """A connection whose every read returns one part."""

    def __init__(self, parts: list[bytes]) -> None:
        self.parts = [*parts, b""]

    def recv(self, _: int) -> bytes:
        return self.parts.pop(0)


@given(data=st.sampled_from(RESPONSES), places=st.lists(st.integers(0, 200), max_size=6))
def test_it_reads_what_the_standard_library_reads(data: bytes, places: list[int]) -> None:
    oracle = http.client.HTTPResponse(Sent(data))  # type: ignore[arg-type]
    oracle.begin()
    received = IncomingResponse(Piecewise(cut(data, places)))  # type: ignore[arg-type]
    received.read_headers()
    assert received.status == oracle.status
    assert received.headers == {name.lower(): value for name, value in oracle.headers.items()}
    assert received.keeps_alive is not oracle.will_close
    assert received.read_body() == oracle.read()


@given(places=st.lists(st.integers(0, 200), max_size=6))
def test_a_stream_yields_each_part_once(places: list[int]) -> None:
    received = IncomingResponse(Piecewise(cut(CHUNKED, places)))  # type: ignore[arg-type]
    received.read_headers()
    assert b"".join(received.body_parts()) == b"ok\n0123456789"


@pytest.mark.parametrize("length", range(len(LENGTH)))
def test_a_response_that_ends_early_is_an_error(length: int) -> None:
    with server_of([LENGTH[:length]]) as connection, pytest.raises(BadResponseError) as raised:
        received = IncomingResponse(connection)
        received.read_headers()
        received.read_body()
    # Without complete headers the request may be repeated on a new connection.
    assert isinstance(raised.value, ClosedError) is (length < LENGTH.index(b"\r\n\r\n") + 4)
    assert str(raised.value).startswith("the server closed the connection")


@pytest.mark.parametrize(
    "data",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\x15\x03\x01\x00\x02\x02F",
        b"HTTP/1.1 200 OK\r\nContent-Length: three\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nno length\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\nraw",
    ],
)
def test_bytes_that_are_no_response_are_one_sentence(data: bytes) -> None:
    with server_of([data]) as connection, pytest.raises(BadResponseError) as raised:
        received = IncomingResponse(connection)
        received.read_headers()
        received.read_body()
    assert str(raised.value).startswith("not an HTTP response: ")
    assert "\n" not in str(raised.value)
