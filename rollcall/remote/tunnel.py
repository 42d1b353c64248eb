"""Open an SSH tunnel to addresses that only a host itself reaches, such as its Consul agent on loopback."""

import contextlib
import os
import select
import shlex
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import IO

from rollcall.config.inventory import Host
from rollcall.contract.timeouts import stretched
from rollcall.errors import RollcallError
from rollcall.program_output import reason
from rollcall.remote import ssh

# An address on the host, or the one to connect to on this machine.
Endpoint = tuple[str, int]

OPEN_TIMEOUT_SECONDS = 20
_ATTEMPTS = 3
_READY = b"rollcall: tunnel open"


class Tunnel(dict[Endpoint, Endpoint]):
    """For each remote (address, port), the loopback (address, port) of this machine that leads to it."""

    def __init__(self, endpoints: Mapping[Endpoint, Endpoint], process: subprocess.Popen[bytes] | None) -> None:
        """Take the pairs, and the ssh process of the tunnel; None for this machine itself."""
        super().__init__(endpoints)
        self._process = process

    def wait(self) -> None:
        """Wait until the tunnel breaks."""
        if self._process is None:
            threading.Event().wait()
        else:
            self._process.wait()


@contextlib.contextmanager
def tunnel(host: Host, remote: Sequence[Endpoint], port: int = 0) -> Iterator[Tunnel]:
    """Make a host's own addresses reachable from here while the block runs.

    For @local the addresses lead to themselves.

    Args:
        host: the host.
        remote: the addresses on the host.
        port: the port of this machine for a single address; 0 for any free port.

    Raises:
        RollcallError: ssh cannot connect; includes ssh's own error.
    """
    if host.connector == "local":
        yield Tunnel({endpoint: endpoint for endpoint in remote}, None)
        return
    with tempfile.TemporaryFile() as complaints:
        process, local = _opened(host, remote, port, complaints)
        try:
            yield Tunnel(local, process)
        finally:
            _end(process)


def _opened(
    host: Host, remote: Sequence[Endpoint], port: int, complaints: IO[bytes]
) -> tuple[subprocess.Popen[bytes], Mapping[Endpoint, Endpoint]]:
    # Another process may take the free port before ssh listens on it: then choose another.
    for attempt in range(1, _ATTEMPTS + 1):
        local = dict(zip(remote, [("127.0.0.1", port)] if port else _free_ports(len(remote)), strict=True))
        process = _start(host, local, complaints)
        opened = False
        try:
            opened = _wait_until_open(process, host)
        finally:
            if not opened:
                _end(process)
        if opened:
            return process, local
        complaint = _read(complaints)
        if "cannot listen" not in complaint or attempt == _ATTEMPTS:
            raise RollcallError(_no_connection(host, complaint))
    raise AssertionError("the last attempt returns or raises")


def _start(host: Host, local: Mapping[Endpoint, Endpoint], complaints: IO[bytes]) -> subprocess.Popen[bytes]:
    forwards = [
        part for (address, port), (here, free) in local.items() for part in ("-L", f"{here}:{free}:{address}:{port}")
    ]
    own = ["-o", "ExitOnForwardFailure=yes", "-o", "ControlMaster=no", "-o", "ControlPath=none"]
    # Instead of -N: ssh starts the command once the forwards listen, and its first line shows that. cat exits when our
    # end of the pipe closes, so no tunnel outlasts this process.
    command = f"echo {shlex.quote(_READY.decode())}; exec cat"
    return subprocess.Popen(
        ssh.arguments(host, command, [*own, *forwards]),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=complaints,
        # Ctrl-C must not close the tunnel before the commands that use it have cleaned up.
        start_new_session=True,
    )


def _wait_until_open(process: subprocess.Popen[bytes], host: Host) -> bool:
    """Wait until the tunnel is open; return False if ssh exits first."""
    assert process.stdout is not None  # noqa: S101 — Popen was given a pipe
    deadline = time.monotonic() + stretched(OPEN_TIMEOUT_SECONDS)
    descriptor, output = process.stdout.fileno(), b""
    while _READY not in output:
        readable, _, _ = select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))
        if not readable:
            raise RollcallError(
                f"ssh to {host.name} ({host.hostname}) opened no tunnel within "
                f"{stretched(OPEN_TIMEOUT_SECONDS):g} s; "
                f"try `{ssh.shown(host)}`."
            )
        part = os.read(descriptor, 4096)
        if not part:
            return False
        output += part
    return True


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    process.communicate()


def _free_ports(count: int) -> list[Endpoint]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for free in sockets:
            free.bind(("127.0.0.1", 0))
        return [("127.0.0.1", int(free.getsockname()[1])) for free in sockets]


def _read(complaints: IO[bytes]) -> str:
    complaints.seek(0)
    return complaints.read().decode(errors="replace").strip()


def _no_connection(host: Host, complaint: str) -> str:
    why = reason(complaint).rstrip(".") or "ssh gave no reason"
    return f"ssh cannot connect to {host.name} ({host.hostname}): {why}; try `{ssh.shown(host)}`."
