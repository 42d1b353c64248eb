"""Hand the listening sockets to a successor on the same host, so that no connection is refused.

The serving front listens on a Unix socket in the volume that both mount. The successor connects and receives the
listening sockets (SCM_RIGHTS). While it starts its nginx on them, its predecessor leaves the volume unchanged; both
may accept connections for a moment, since pending connections belong to the socket and not to a process. Once the
successor serves, it sends a message, and its predecessor finishes its open requests. A successor that exits earlier
has changed nothing. One that is too late finds its predecessor serving, and exits: only one changes the volume.
"""

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

from rollcall.contract.timeouts import stretched
from rollcall.front.inputs.settings import Listen
from rollcall.front.nginx.ports import Ports

# For a response that takes milliseconds, or as long as a reload.
RESPONSE_TIMEOUT_SECONDS = stretched(5.0)
# From a successor's start until it serves; after that its predecessor continues.
START_TIMEOUT_SECONDS = stretched(60.0)
# SCM_MAX_FD of the kernel.
_MAX_SOCKETS = 253
_SERVING, _TAKEN = b"serving\n", b"taken\n"


class BusyError(Exception):
    """The serving front accepts no successor at the moment; the text is one sentence."""


class Predecessor:
    """The front that serves until this one does, as seen from its successor."""

    def __init__(self, path: Path, connection: socket.socket, sockets: dict[Listen, socket.socket]) -> None:
        """Take the path of its socket, the connection to it, and the listening sockets that it passed."""
        self._path = path
        self._connection = connection
        self.sockets = sockets

    async def release(self) -> bool:
        """Report that this front serves, and wait until the predecessor has released the volume and the status address.

        Returns:
            False if it had given this front up and continues itself: then this front must exit.
        """
        loop = asyncio.get_running_loop()
        self._connection.setblocking(False)
        response = b""
        with suppress(OSError):
            # Without a timeout: the predecessor decides, and only its response reveals how.
            await loop.sock_sendall(self._connection, _SERVING)
            response = await loop.sock_recv(self._connection, len(_TAKEN))
        self._connection.close()
        return response == _TAKEN or not await asyncio.to_thread(_listens, self._path)

    def decline(self) -> None:
        """Close the connection; the predecessor continues."""
        self._connection.close()


async def predecessor(path: Path) -> Predecessor | None:
    """Request the listening sockets of the front that serves on this host; None without one.

    Raises:
        BusyError: it does not respond.
    """
    return await asyncio.to_thread(_request_sockets, path)


def _listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(RESPONSE_TIMEOUT_SECONDS)
        try:
            connection.connect(str(path))
        except (ConnectionRefusedError, FileNotFoundError):
            return False
        except OSError:
            # The queue is full, so something listens.
            return True
    return True


def _request_sockets(path: Path) -> Predecessor | None:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(RESPONSE_TIMEOUT_SECONDS)
    try:
        connection.connect(str(path))
        text, numbers, _, _ = socket.recv_fds(connection, 1 << 16, _MAX_SOCKETS)
        sockets = [socket.socket(fileno=number) for number in numbers]
        listens = [
            Listen(str(address), int(port), "udp" if one.type == socket.SOCK_DGRAM else "tcp")
            for (address, port), one in zip(json.loads(text or b"[]"), sockets, strict=True)
        ]
    except (TimeoutError, BlockingIOError) as error:
        # BlockingIOError: the queue of the socket is full.
        connection.close()
        raise BusyError(
            f"the serving front did not hand over its sockets within {RESPONSE_TIMEOUT_SECONDS:g} s; "
            "it may be reloading, or handing over to another front"
        ) from error
    except (OSError, ValueError):
        connection.close()
        return None
    if not sockets:
        connection.close()
        return None
    return Predecessor(path, connection, dict(zip(listens, sockets, strict=True)))


class Offer:
    """Offer the listening sockets to a successor."""

    def __init__(
        self,
        path: Path,
        ports: Ports,
        begin: Callable[[], Awaitable[None]],
        taken: Callable[[], Awaitable[None]],
        failed: Callable[[], Awaitable[None]],
    ) -> None:
        """Take the callbacks: before a successor starts, once it serves, and if it never does."""
        self._path = path
        self._ports = ports
        self._begin = begin
        self._taken = taken
        self._failed = failed

    async def run(self) -> None:
        """Serve one successor after the other, until one takes over."""
        loop = asyncio.get_running_loop()
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
            # A predecessor's socket may still exist; that predecessor serves its own connections.
            self._path.unlink(missing_ok=True)
            listening.bind(str(self._path))
            listening.listen(1)
            listening.setblocking(False)
            while True:
                connection, _ = await loop.sock_accept(listening)
                with connection:
                    connection.setblocking(False)
                    if await self._hand_over(connection):
                        return

    async def _hand_over(self, connection: socket.socket) -> bool:
        loop = asyncio.get_running_loop()
        await self._begin()
        try:
            sockets = self._ports.sockets
            # Pairs, which fronts before 0.6 also read; the socket itself tells TCP from UDP.
            text = json.dumps([(listen.address, listen.port) for listen in sockets]).encode()
            socket.send_fds(connection, [text], [listening.fileno() for listening in sockets.values()])
            async with asyncio.timeout(START_TIMEOUT_SECONDS):
                serves = await loop.sock_recv(connection, len(_SERVING)) == _SERVING
        except OSError:
            serves = False
        if not serves:
            await self._failed()
            return False
        await self._taken()
        with suppress(OSError):
            await loop.sock_sendall(connection, _TAKEN)
        return True
