"""Check that the machine's loopback ports that the lab needs are free."""

import re
import shutil
import socket
from collections.abc import Iterable

from rollcall import command
from rollcall.errors import RollcallError
from rollcall.lab import size
from rollcall.lab.layout import LOOPBACK, REGISTRY, REGISTRY_PORT


def wanted(running: Iterable[str]) -> dict[int, str]:
    """Return the ports that the lab still needs, each with its purpose; `running` containers have theirs already."""
    have = set(running)
    ports = {
        port: f"the lab's host {host.name}"
        for host in size.hosts()
        if host.container not in have
        for port in host.machine_ports
    }
    return ports if REGISTRY in have else {**ports, REGISTRY_PORT: "the lab's registry"}


def check(ports: dict[int, str]) -> None:
    """Check that all of these ports are free.

    Raises:
        RollcallError: one is taken; names the port and, if visible, the program.
    """
    for port, purpose in ports.items():
        if _is_taken(port):
            raise RollcallError(conflict(port, purpose, _owner(port)))


def conflict(port: int, purpose: str, owner: str) -> str:
    """Return the error about a taken port."""
    return (
        f"Port {port} of {LOOPBACK}, which {purpose} needs, is taken by {owner or 'another program'}; "
        "stop that program and run the command again."
    )


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        # Connections that have just closed do not block a listener.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return True
    return False


def _owner(port: int) -> str:
    if shutil.which("ss") is None:
        return ""
    _, output, _ = command.attempt(["ss", "-Hltnp", f"sport = :{port}"])
    found = re.search(r'users:\(\("([^"]+)",pid=(\d+)', output)
    return f"{found[1]} (process {found[2]})" if found else ""
