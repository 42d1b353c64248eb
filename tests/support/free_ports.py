"""Ports on loopback that nobody has."""

import os
import random
import socket

# Below the ports that the kernel gives to outgoing connections (net.ipv4.ip_local_port_range), which might take one
# between the question and the bind. Each of pytest's parallel processes has ports of its own.
_PROCESSES = 8
_PROCESS = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_candidates = list(range(10_000 + _PROCESS % _PROCESSES, 32_000, _PROCESSES))
random.shuffle(_candidates)


def free_port() -> int:
    """A port that nobody listens at; none is given twice, since what it is for may not have begun to listen."""
    while True:
        port = _candidates.pop()
        with socket.socket() as listener:
            try:
                listener.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port


def free_ports(count: int) -> list[int]:
    return [free_port() for _ in range(count)]
