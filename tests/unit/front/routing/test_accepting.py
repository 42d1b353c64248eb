"""Find the instances that accept connections, on real sockets."""

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
        yield [at(*listening.getsockname()) for listening in sockets]


@pytest.fixture
def refusing() -> Iterator[Instance]:
    """A bound port without a listener."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield at(*taken.getsockname())


@pytest.fixture
def silent() -> Iterator[Instance]:
    """A listener with a full queue, which neither accepts nor refuses."""
    with ExitStack() as stack:
        full = stack.enter_context(socket.socket())
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        yield at(*full.getsockname())


def test_only_instances_that_accept_are_found(listening: list[Instance], refusing: Instance) -> None:
    assert asyncio.run(accepting([*listening, refusing], at_once=3)) == frozenset(listening)


def test_silent_instances_time_out_in_parallel(listening: list[Instance], silent: Instance) -> None:
    started = time.monotonic()
    silents = [Instance("web", str(number), "app1", silent.address, silent.port) for number in range(50)]
    assert asyncio.run(accepting([*silents, *listening], seconds=0.3)) == frozenset(listening)
    assert 0.3 <= time.monotonic() - started < 3


def test_ipv6_works_too() -> None:
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as server:
        one = at("::1", server.getsockname()[1])
        assert asyncio.run(accepting([one])) == {one}


def test_an_invalid_address_does_not_accept() -> None:
    assert asyncio.run(accepting([at("no address", 80), at("127.0.0.1", 70000)])) == frozenset()
