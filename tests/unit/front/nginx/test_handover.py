"""A front hands its listening sockets to its successor."""

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from rollcall.front.inputs.settings import Listen
from rollcall.front.nginx import handover
from rollcall.front.nginx.handover import BusyError, Offer, Predecessor, predecessor
from rollcall.front.nginx.listening import CannotListenError, bound, inherited
from rollcall.front.nginx.ports import Ports


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with bound(Listen("127.0.0.1", 0)) as one:
        yield one


class Recorder:
    """Record which callbacks of an offer ran, in order."""

    def __init__(self, path: Path, listening: socket.socket) -> None:
        self.done: list[str] = []
        ports = Ports({Listen("127.0.0.1", 80): listening})
        self.offer = Offer(path, ports, self._note("pauses"), self._note("retires"), self._note("resumes"))

    def _note(self, what: str):
        async def note() -> None:
            self.done.append(what)

        return note


async def asked(path: Path) -> Predecessor:
    async with asyncio.timeout(5):
        while (found := await predecessor(path)) is None:
            await asyncio.sleep(0.01)
    return found


def test_a_successor_accepts_at_the_sockets_it_received(tmp_path: Path, listening: socket.socket) -> None:
    recorder = Recorder(tmp_path / "handover.sock", listening)

    async def change() -> None:
        offering = asyncio.create_task(recorder.offer.run())
        before = await asked(tmp_path / "handover.sock")
        assert recorder.done == ["pauses"]
        assert await before.release()
        await asyncio.wait_for(offering, 5)
        given = before.sockets[Listen("127.0.0.1", 80)]
        listening.close()
        with socket.create_connection(given.getsockname(), 5), given:
            given.accept()[0].close()

    asyncio.run(change())
    assert recorder.done == ["pauses", "retires"]


def test_a_successor_that_exits_before_it_serves_changes_nothing(tmp_path: Path, listening: socket.socket) -> None:
    path = tmp_path / "handover.sock"
    recorder = Recorder(path, listening)

    async def twice() -> None:
        offering = asyncio.create_task(recorder.offer.run())
        first = await asked(path)
        first.decline()
        second = await asked(path)
        assert recorder.done == ["pauses", "resumes", "pauses"]
        assert await second.release()
        await asyncio.wait_for(offering, 5)

    asyncio.run(twice())
    assert recorder.done == ["pauses", "resumes", "pauses", "retires"]


def test_a_late_successor_gives_way_to_its_predecessor(
    tmp_path: Path, listening: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handover, "START_TIMEOUT_SECONDS", 0.05)
    path = tmp_path / "handover.sock"
    recorder = Recorder(path, listening)

    async def late() -> None:
        offering = asyncio.create_task(recorder.offer.run())
        before = await asked(path)
        async with asyncio.timeout(5):
            while "resumes" not in recorder.done:
                await asyncio.sleep(0.01)
        assert not await before.release()
        assert not offering.done()
        offering.cancel()

    asyncio.run(late())
    assert "retires" not in recorder.done


def test_a_successor_serves_if_its_predecessor_dies_meanwhile(tmp_path: Path, listening: socket.socket) -> None:
    path = tmp_path / "handover.sock"
    recorder = Recorder(path, listening)

    async def alone() -> None:
        offering = asyncio.create_task(recorder.offer.run())
        before = await asked(path)
        offering.cancel()
        await asyncio.wait([offering])
        assert await before.release()

    asyncio.run(alone())


def test_a_successor_waits_for_a_slow_predecessor(
    tmp_path: Path, listening: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A successor that gave up early would leave no front that serves."""
    monkeypatch.setattr(handover, "RESPONSE_TIMEOUT_SECONDS", 0.05)
    path = tmp_path / "handover.sock"
    done = asyncio.Event()

    async def nothing() -> None:
        pass

    async def slow() -> None:
        offer = Offer(path, Ports({Listen("127.0.0.1", 80): listening}), nothing, done.wait, nothing)
        offering = asyncio.create_task(offer.run())
        going = asyncio.create_task((await asked(path)).release())
        finished, _ = await asyncio.wait([going], timeout=0.2)
        assert not finished
        done.set()
        assert await asyncio.wait_for(going, 5)
        await asyncio.wait_for(offering, 5)

    asyncio.run(slow())


def test_a_second_successor_is_refused_while_the_first_starts(
    tmp_path: Path, listening: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two never start at the same time, even with different ports."""
    monkeypatch.setattr(handover, "RESPONSE_TIMEOUT_SECONDS", 0.1)
    path = tmp_path / "handover.sock"
    recorder = Recorder(path, listening)

    async def two() -> None:
        offering = asyncio.create_task(recorder.offer.run())
        first = await asked(path)
        with pytest.raises(BusyError, match=r"did not hand over its sockets within 0\.1 s"):
            await predecessor(path)
        assert await first.release()
        await asyncio.wait_for(offering, 5)

    asyncio.run(two())


def test_without_a_serving_front_there_is_no_predecessor(tmp_path: Path) -> None:
    path = tmp_path / "handover.sock"
    assert asyncio.run(predecessor(path)) is None
    with socket.socket(socket.AF_UNIX) as left_behind:
        left_behind.bind(str(path))
    assert asyncio.run(predecessor(path)) is None


def test_a_taken_port_is_one_sentence(listening: socket.socket) -> None:
    address = listening.getsockname()
    with pytest.raises(
        CannotListenError, match=f"port {address[1]} at 127.0.0.1 is taken by another program; stop that one"
    ):
        bound(Listen(*address))


def test_nginx_gets_the_file_descriptors_of_the_sockets(listening: socket.socket) -> None:
    assert inherited([listening]) == f"{listening.fileno()};"
    assert not listening.getblocking()


def test_datagrams_are_handed_over_beside_connections_of_the_same_port(tmp_path: Path) -> None:
    path = tmp_path / "handover.sock"

    async def nothing() -> None:
        pass

    async def change(ports: Ports) -> None:
        offering = asyncio.create_task(Offer(path, ports, nothing, nothing, nothing).run())
        before = await asked(path)
        assert {listen: one.type for listen, one in before.sockets.items()} == {
            Listen("127.0.0.1", 53): socket.SOCK_STREAM,
            Listen("127.0.0.1", 53, "udp"): socket.SOCK_DGRAM,
        }
        assert await before.release()
        await asyncio.wait_for(offering, 5)
        for one in before.sockets.values():
            one.close()

    with bound(Listen("127.0.0.1", 0)) as tcp, bound(Listen("127.0.0.1", 0, "udp")) as udp:
        asyncio.run(change(Ports({Listen("127.0.0.1", 53): tcp, Listen("127.0.0.1", 53, "udp"): udp})))
