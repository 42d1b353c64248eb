"""The ports where the front listens."""

import socket

import pytest
from free_ports import free_port

from rollcall.front.inputs.settings import Listen
from rollcall.front.nginx.ports import Ports


def test_a_port_that_another_program_has_is_refused_and_the_others_are_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken, free = Listen("127.0.0.1", other.getsockname()[1]), Listen("127.0.0.1", free_port())
        ports = Ports({})
        refused = ports.open([taken, free])
        assert list(refused) == [taken]
        assert "is taken by another program" in refused[taken] and "ss -ltnp" in refused[taken]
        assert list(ports.sockets) == [free]
        ports.keep_only([])


def test_a_taken_port_of_datagrams_is_refused() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        taken = Listen("127.0.0.1", other.getsockname()[1], "udp")
        assert "ss -lunp" in Ports({}).open([taken])[taken]


def test_a_port_that_is_not_kept_is_closed() -> None:
    kept, closed = (Listen("127.0.0.1", free_port()) for _ in range(2))
    ports = Ports({})
    assert ports.open([kept, closed]) == {}
    before = dict(ports.sockets)
    ports.keep_only([kept])
    assert ports.sockets == {kept: before[kept]}
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(closed[:2], 5)
    socket.create_connection(kept[:2], 5).close()
    assert ports.open([kept]) == {} and ports.sockets[kept] is before[kept]
    ports.keep_only([])
