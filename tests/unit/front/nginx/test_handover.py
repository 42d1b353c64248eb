"""The listening sockets pass from one front to the next."""

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from rollcall.front.nginx import handover
from rollcall.front.nginx.handover import BusyError, Offer, Predecessor, predecessor
from rollcall.front.nginx.listening import CannotListenError, bound, inherited


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
        assert await before.lets_go()
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
        assert await second.lets_go()
        await asyncio.wait_for(offering, 5)

    asyncio.run(twice())
    assert said.done == ["pauses", "resumes", "pauses", "retires"]


def test_a_successor_that_is_too_late_does_not_serve_beside_the_one_that_goes_on(
    tmp_path: Path, listening: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handover, "START", 0.05)
    path = tmp_path / "handover.sock"
    said = Said(path, listening)

    async def late() -> None:
        offering = asyncio.create_task(said.offer.run())
        before = await asked(path)
        async with asyncio.timeout(5):
            while "resumes" not in said.done:
                await asyncio.sleep(0.01)
        assert not await before.lets_go()
        assert not offering.done()
        offering.cancel()

    asyncio.run(late())
    assert "retires" not in said.done


def test_a_successor_whose_predecessor_dies_meanwhile_serves(tmp_path: Path, listening: socket.socket) -> None:
    path = tmp_path / "handover.sock"
    said = Said(path, listening)

    async def alone() -> None:
        offering = asyncio.create_task(said.offer.run())
        before = await asked(path)
        offering.cancel()
        await asyncio.wait([offering])
        assert await before.lets_go()

    asyncio.run(alone())


def test_a_predecessor_that_is_slow_to_let_go_is_waited_for(
    tmp_path: Path, listening: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It retires whenever it comes to that: who gave it up before would leave nobody to serve."""
    monkeypatch.setattr(handover, "ANSWER", 0.05)
    path = tmp_path / "handover.sock"
    done = asyncio.Event()

    async def nothing() -> None:
        pass

    async def slow() -> None:
        offer = Offer(path, {("127.0.0.1", 80): listening}, nothing, done.wait, nothing)
        offering = asyncio.create_task(offer.run())
        going = asyncio.create_task((await asked(path)).lets_go())
        finished, _ = await asyncio.wait([going], timeout=0.2)
        assert not finished
        done.set()
        assert await asyncio.wait_for(going, 5)
        await asyncio.wait_for(offering, 5)

    asyncio.run(slow())


def test_who_asks_while_a_successor_starts_is_told_that_this_is_not_the_time(
    tmp_path: Path, listening: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two never start at the same time, not even where they listen at other ports."""
    monkeypatch.setattr(handover, "ANSWER", 0.1)
    path = tmp_path / "handover.sock"
    said = Said(path, listening)

    async def two() -> None:
        offering = asyncio.create_task(said.offer.run())
        first = await asked(path)
        with pytest.raises(BusyError, match=r"has not handed over its sockets within 0\.1 s"):
            await predecessor(path)
        assert await first.lets_go()
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
        CannotListenError, match=f"port {address[1]} at 127.0.0.1 is taken by another program; stop that one"
    ):
        bound(address)


def test_nginx_is_told_the_numbers_of_the_sockets(listening: socket.socket) -> None:
    assert inherited({("", 80): listening}) == f"{listening.fileno()};"
    assert not listening.getblocking()
