"""A Consul agent that does not respond is reported as a problem."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from rollcall.front.inputs import consul
from rollcall.front.inputs.consul import complaint, poll
from rollcall.front.status.problems import Problems

GOOD = b"HTTP/1.0 200 OK\r\nX-Consul-Knownleader: true\r\n\r\n[]"


@asynccontextmanager
async def agent(answer: bytes | None, asked: list[bytes] | None = None) -> AsyncIterator[str]:
    """Run an agent that sends this response, or none."""

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
        (b"HTTP/1.0 403 Forbidden\r\n\r\nACL not found\n", "Consul's agent at ADDRESS returned 403: ACL not found"),
        (
            b"HTTP/1.0 500 Internal Server Error\r\n\r\nNo known Consul servers",
            "Consul's agent at ADDRESS returned 500: No known Consul servers",
        ),
        (b"nonsense", "the program at ADDRESS is not a Consul agent"),
        (b"", "the program at ADDRESS is not a Consul agent"),
    ],
)
def test_a_failure_is_one_sentence(answer: bytes, said: str) -> None:
    assert of(answer) == said


def test_an_agent_that_hangs_times_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consul, "RESPONSE_TIMEOUT_SECONDS", 0.1)
    assert of(None) == "Consul's agent at ADDRESS did not respond within 0.1 s"


def test_a_refused_connection_is_reported() -> None:
    async def gone() -> str:
        async with agent(GOOD) as address:
            pass
        return (await complaint(address, "")).replace(address, "ADDRESS")

    assert asyncio.run(gone()) == "cannot connect to Consul's agent at ADDRESS: Connection refused"


def test_requests_carry_the_fronts_own_token() -> None:
    asked: list[bytes] = []

    async def ask() -> None:
        async with agent(GOOD, asked) as address:
            await complaint(address, "secret")

    asyncio.run(ask())
    assert b"X-Consul-Token: secret\r\n" in asked[0]


def test_a_failure_is_a_problem_until_it_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consul, "INTERVAL_SECONDS", 0.01)
    problems = Problems()
    problems.are("catalog", ["another"])

    async def until(texts: list[str]) -> None:
        async with asyncio.timeout(5):
            while [problem.text for problem in problems.all() if problem.kind == "catalog"] != texts:
                await asyncio.sleep(0.01)

    async def watch() -> None:
        async with agent(GOOD.replace(b"true", b"false")) as address:
            polling = asyncio.create_task(poll(lambda: address, tmp_path / "token", problems))
            await until(
                ["another", "cannot follow the catalog; nginx serves the last known instances: Consul has no leader"]
            )
            polling.cancel()
        async with agent(GOOD) as address:
            polling = asyncio.create_task(poll(lambda: address, tmp_path / "token", problems))
            await until(["another"])
            polling.cancel()

    asyncio.run(watch())
