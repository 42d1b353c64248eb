"""The listening sockets pass from one front to the next."""

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from rollcall.front import handover
from rollcall.front.handover import Offer, Predecessor, predecessor
from rollcall.front.listening import CannotListenError, bound, inherited


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with bound(("127.0.0.1", 0)) as one:
        yield one


class Said:
    """What the one that serves did, in this order."""

    def __init__(self, path: Path, listening: socket.socket) -> None:
        self.done: list[str] = []
        sockets = {("127.0.0.1", 80): listening}
        self.offer = Offer(path, sockets, self._note("pauses"), self._note("retires"), self._note("resumes"))

    def _note(self, what: str):
        async def note() -> None:
            self.done.append(what)

        return note


async def asked(path: Path) -> Predecessor:
    async with asyncio.timeout(5):
        while (found := await predecessor(path)) is None:
            await asyncio.sleep(0.01)
    return found


def test_a_successor_takes_connections_at_the_sockets_it_was_given(tmp_path: Path, listening: socket.socket) -> None:
    said = Said(tmp_path / "handover.sock", listening)

    async def change() -> None:
        offering = asyncio.create_task(said.offer.run())
        before = await asked(tmp_path / "handover.sock")
        assert said.done == ["pauses"]
        await before.is_told_of_serving()
        await asyncio.wait_for(offering, 5)
        given = before.sockets["127.0.0.1", 80]
        listening.close()
        with socket.create_connection(given.getsockname(), 5), given:
            given.accept()[0].close()

    asyncio.run(change())
    assert said.done == ["pauses", "retires"]


def test_a_successor_that_ends_before_it_serves_changes_nothing(tmp_path: Path, listening: socket.socket) -> None:
    path = tmp_path / "handover.sock"
    said = Said(path, listening)

    async def twice() -> None:
        offering = asyncio.create_task(said.offer.run())
        first = await asked(path)
        first.gives_up()
        second = await asked(path)
        assert said.done == ["pauses", "resumes", "pauses"]
        await second.is_told_of_serving()
        await asyncio.wait_for(offering, 5)

    asyncio.run(twice())
    assert said.done == ["pauses", "resumes", "pauses", "retires"]


def test_who_asks_while_a_successor_starts_is_none_in_time(
    tmp_path: Path, listening: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that hangs is taken for none, and two never start at the same time."""
    monkeypatch.setattr(handover, "ANSWER", 0.1)
    path = tmp_path / "handover.sock"
    said = Said(path, listening)

    async def two() -> None:
        offering = asyncio.create_task(said.offer.run())
        first = await asked(path)
        assert await predecessor(path) is None
        await first.is_told_of_serving()
        await asyncio.wait_for(offering, 5)

    asyncio.run(two())


def test_where_nobody_serves_there_is_no_predecessor(tmp_path: Path) -> None:
    path = tmp_path / "handover.sock"
    assert asyncio.run(predecessor(path)) is None
    with socket.socket(socket.AF_UNIX) as left_behind:
        left_behind.bind(str(path))
    assert asyncio.run(predecessor(path)) is None


def test_a_taken_port_is_a_sentence(listening: socket.socket) -> None:
    address = listening.getsockname()
    with pytest.raises(
        CannotListenError, match=f"cannot listen at 127.0.0.1, port {address[1]}: Address already in use"
    ):
        bound(address)


def test_nginx_is_told_the_numbers_of_the_sockets(listening: socket.socket) -> None:
    assert inherited({("", 80): listening}) == f"{listening.fileno()};"
    assert not listening.getblocking()
