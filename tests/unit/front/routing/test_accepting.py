"""Who still accepts connections, asked on real sockets."""

import asyncio
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from rollcall.front.inputs.catalog import Instance
from rollcall.front.routing.accepting import accepting


def at(address: str, port: int) -> Instance:
    return Instance("web", f"app1:web-{port}:80", "app1", address, port)


@pytest.fixture
def listening() -> Iterator[list[Instance]]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(20)]
        yield [at(*one.getsockname()) for one in sockets]


@pytest.fixture
def refusing() -> Iterator[Instance]:
    """A port that nobody else can take, and nobody listens at."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield at(*taken.getsockname())


@pytest.fixture
def silent() -> Iterator[Instance]:
    """A listener whose queue is full: what comes now is neither accepted nor refused."""
    with ExitStack() as stack:
        full = stack.enter_context(socket.socket())
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        yield at(*full.getsockname())


def test_those_that_accept_are_told_from_those_that_refuse(listening: list[Instance], refusing: Instance) -> None:
    assert asyncio.run(accepting([*listening, refusing], at_once=3)) == frozenset(listening)


def test_silence_is_no_acceptance_and_is_waited_for_only_once(listening: list[Instance], silent: Instance) -> None:
    started = time.monotonic()
    silents = [Instance("web", str(number), "app1", silent.address, silent.port) for number in range(50)]
    assert asyncio.run(accepting([*silents, *listening], seconds=0.3)) == frozenset(listening)
    assert 0.3 <= time.monotonic() - started < 3


def test_ipv6_is_asked_as_well() -> None:
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as server:
        one = at("::1", server.getsockname()[1])
        assert asyncio.run(accepting([one])) == {one}


def test_an_address_that_cannot_be_is_nobody() -> None:
    assert asyncio.run(accepting([at("no address", 80), at("127.0.0.1", 70000)])) == frozenset()
