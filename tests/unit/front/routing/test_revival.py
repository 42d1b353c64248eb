"""When nginx is made to forget which instances failed: not for ever, and only if one accepts."""

import asyncio
import socket
from collections.abc import Iterator

import pytest

from rollcall.front.inputs.catalog import Instance
from rollcall.front.routing.model import Routing, Server, Upstream
from rollcall.front.routing.revival import Revival


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def routing(port: int) -> Routing:
    instance = Instance("web", "web", "app1", "127.0.0.1", port)
    return Routing((), (Upstream("backends", (Server(instance, 1),), ("web",)),))


def due(revival: Revival, stranded: set[str], port: int, now: float) -> bool:
    return asyncio.run(revival.is_due(stranded, routing(port), 60, now))


def test_it_is_due_once_an_instance_accepts(listening: socket.socket) -> None:
    port = listening.getsockname()[1]
    assert due(Revival(), {"backends"}, port, 100)
    assert not due(Revival(), set(), port, 100)
    assert not due(Revival(), {"others"}, port, 100), "its own instances count"
    listening.close()
    assert not due(Revival(), {"backends"}, port, 100)


def test_it_is_due_less_and_less_often_and_then_nginx_tries_by_itself(listening: socket.socket) -> None:
    revival, port = Revival(), listening.getsockname()[1]
    times = [now for now in range(180) if due(revival, {"backends"}, port, now)]
    assert times == [0, 2, 6, 14, 30, 62]
    assert due(revival, {"backends"}, port, 62 + 121), "long after, it is another incident"
