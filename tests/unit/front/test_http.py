"""Messages of any shape are read, or refused, whatever pieces they come in."""

import asyncio

import pytest

from rollcall.front.http import InvalidMessageError, Response, Served, get


def served(*pieces: bytes, body: bytes = b"text") -> tuple[str, bytes]:
    """Serve one request; return its target and the response."""

    async def conversation() -> tuple[str, bytes]:
        seen: list[str] = []

        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            client = Served(reader, writer)
            try:
                request = await client.request()
                seen.append(request.target.decode() if request else "gone")
                if request:
                    client.respond(200, {"A": "b"}, body)
            except InvalidMessageError as error:
                seen.append(f"invalid {error.status}")
            writer.close()

        async with await asyncio.start_server(connected, "127.0.0.1", 0) as server:
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0)
            writer.write_eof()
            response = await reader.read()
            writer.close()
        return seen[0], response

    return asyncio.run(conversation())


def test_a_request_may_come_in_pieces() -> None:
    target, response = served(b"GET /sta", b"tus HTTP/1.1\r\nHost: a\r", b"\n\r\n")
    assert target == "/status"
    assert response == b"HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 4\r\nConnection: close\r\n\r\ntext"


def test_head_gets_the_length_and_no_body() -> None:
    _, response = served(b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert response.endswith(b"Content-Length: 4\r\nConnection: close\r\n\r\n")


@pytest.mark.parametrize(
    ("request_bytes", "seen"),
    [
        (b"", "gone"),
        (b"GET / HTTP/1.1\r\nHo", "invalid 400"),
        (b"\x16\x03\x01\x02\x00\x01", "invalid 400"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 40_000, "invalid 431"),
    ],
)
def test_what_is_no_request_is_refused(request_bytes: bytes, seen: str) -> None:
    assert served(request_bytes)[0] == seen


def got(answer: bytes, limit: int = 100) -> Response:
    async def conversation() -> Response:
        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
            writer.close()

        async with await asyncio.start_server(connected, "127.0.0.1", 0) as server:
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            try:
                return await get(reader, writer, "/", {"Host": "a"}, limit)
            finally:
                writer.close()

    return asyncio.run(conversation())


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nX-One: 2\r\nContent-Length: 3\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nX-One: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nX-One: 2\r\n\r\nabc",
        b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nX-One: 2\r\nContent-Length: 3\r\n\r\nabc",
    ],
    ids=["by length", "in chunks", "to the end", "after hints"],
)
def test_a_response_of_any_framing_is_read(answer: bytes) -> None:
    response = got(answer)
    assert (response.status, response.headers["x-one"], response.body) == (200, "2", b"abc")


@pytest.mark.parametrize("answer", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"])
def test_what_is_no_whole_response_is_refused(answer: bytes) -> None:
    with pytest.raises(InvalidMessageError):
        got(answer)


def test_a_long_body_is_not_read_to_its_end() -> None:
    assert len(got(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 50_000, limit=100).body) < 50_000
