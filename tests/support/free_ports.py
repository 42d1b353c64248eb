"""Ports on loopback that nobody has."""

import socket

_given: set[int] = set()


def free_port() -> int:
    """A port that nobody listens at; none is given twice, since what it is for may not have begun to listen."""
    while True:
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            port = int(listener.getsockname()[1])
        if port not in _given:
            _given.add(port)
            return port


def free_ports(count: int) -> list[int]:
    return [free_port() for _ in range(count)]
