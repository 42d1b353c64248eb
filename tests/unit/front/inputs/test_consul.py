"""A Consul that cannot be followed is told of, whoever notices it or not."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from rollcall.front.inputs import consul
from rollcall.front.inputs.consul import complaint, keep_asking
from rollcall.front.status.problems import Problems

GOOD = b"HTTP/1.0 200 OK\r\nX-Consul-Knownleader: true\r\n\r\n[]"


@asynccontextmanager
async def agent(answer: bytes | None, asked: list[bytes] | None = None) -> AsyncIterator[str]:
    """An agent that answers so, or never."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if asked is not None:
            asked.append(head)
        if answer is None:
            await reader.read()
        else:
            writer.write(answer)
        writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    async with server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


def of(answer: bytes | None) -> str:
    async def ask() -> str:
        async with agent(answer) as address:
            return (await complaint(address, "secret")).replace(address, "ADDRESS")

    return asyncio.run(ask())


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (GOOD, ""),
        (GOOD.replace(b"true", b"false"), "Consul has no leader"),
        (b"HTTP/1.0 403 Forbidden\r\n\r\nACL not found\n", "Consul's agent at ADDRESS answers: 403 ACL not found"),
        (
            b"HTTP/1.0 500 Internal Server Error\r\n\r\nNo known Consul servers",
            "Consul's agent at ADDRESS answers: 500 No known Consul servers",
        ),
        (b"nonsense", "what answers at ADDRESS is no Consul agent"),
        (b"", "what answers at ADDRESS is no Consul agent"),
    ],
)
def test_what_is_wrong_is_said(answer: bytes, said: str) -> None:
    assert of(answer) == said


def test_an_agent_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consul, "ANSWER", 0.1)
    assert of(None) == "Consul's agent at ADDRESS has not answered for 0.1 s"


def test_where_nobody_listens_that_is_said() -> None:
    async def gone() -> str:
        async with agent(GOOD) as address:
            pass
        return (await complaint(address, "")).replace(address, "ADDRESS")

    assert asyncio.run(gone()) == "Consul's agent at ADDRESS cannot be reached: Connection refused"


def test_the_agent_is_asked_with_the_fronts_own_rights() -> None:
    asked: list[bytes] = []

    async def ask() -> None:
        async with agent(GOOD, asked) as address:
            await complaint(address, "secret")

    asyncio.run(ask())
    assert b"X-Consul-Token: secret\r\n" in asked[0]


def test_it_is_a_problem_as_long_as_it_lasts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consul, "PAUSE", 0.01)
    problems = Problems()
    problems.are("catalog", ["another"])

    async def until(texts: list[str]) -> None:
        async with asyncio.timeout(5):
            while [one.text for one in problems.all() if one.kind == "catalog"] != texts:
                await asyncio.sleep(0.01)

    async def watch() -> None:
        async with agent(GOOD.replace(b"true", b"false")) as address:
            asking = asyncio.create_task(keep_asking(lambda: address, tmp_path / "token", problems))
            await until(
                ["another", "the catalog cannot be followed, and nginx serves what was known: Consul has no leader"]
            )
            asking.cancel()
        async with agent(GOOD) as address:
            asking = asyncio.create_task(keep_asking(lambda: address, tmp_path / "token", problems))
            await until(["another"])
            asking.cancel()

    asyncio.run(watch())
