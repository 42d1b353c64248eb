"""From one front to its successor on the same host: the listening sockets change hands, and no connection is refused.

The one that serves listens at a socket in the volume that both have. The successor connects and is given the listening
sockets (SCM_RIGHTS). While it starts its nginx on them, the one before changes nothing of the volume; both
may take connections for a moment, since what waits to be accepted waits at the sockets and not at a process. Once the
successor serves, it says so, and the one before ends what it is serving. A successor that ends before that has changed
nothing. One that is too late finds the one before going on, and ends: never do two of them change the volume.
"""

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

from rollcall.contract.timeouts import stretched
from rollcall.front.inputs.settings import Listen
from rollcall.front.nginx.listening import Sockets

# Seconds for an answer that takes milliseconds, or as long as a change of what is served.
ANSWER = stretched(5.0)
# Seconds that a successor may take from its start until it serves; after them its predecessor goes on.
START = stretched(60.0)
_MOST = 64
_SERVING, _TAKEN = b"serving\n", b"taken\n"


class BusyError(Exception):
    """The front that serves takes no successor at the moment; the text is one sentence."""


class Predecessor:
    """The front that serves until this one does."""

    def __init__(self, path: Path, connection: socket.socket, sockets: dict[Listen, socket.socket]) -> None:
        """Take the path at which it answers, the connection to it, and what it gave."""
        self._path = path
        self._connection = connection
        self.sockets = sockets

    async def lets_go(self) -> bool:
        """Tell it that this one serves, and wait until it has let go of the volume and of the status address.

        Returns:
            False where it had given this one up and goes on itself: then this one must end.
        """
        loop = asyncio.get_running_loop()
        self._connection.setblocking(False)
        answer = b""
        with suppress(OSError):
            # However long that takes: it decides, and without its answer nobody knows what it decided.
            await loop.sock_sendall(self._connection, _SERVING)
            answer = await loop.sock_recv(self._connection, len(_TAKEN))
        self._connection.close()
        return answer == _TAKEN or not await asyncio.to_thread(_answers, self._path)

    def gives_up(self) -> None:
        """Leave everything to it."""
        self._connection.close()


async def predecessor(path: Path) -> Predecessor | None:
    """Ask the front that serves on this host for its listening sockets; None where there is none.

    Raises:
        BusyError: there is one, and it does not answer.
    """
    return await asyncio.to_thread(_ask, path)


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(ANSWER)
        try:
            connection.connect(str(path))
        except (ConnectionRefusedError, FileNotFoundError):
            return False
        except OSError:
            # Too many ask: whoever they ask is there.
            return True
    return True


def _ask(path: Path) -> Predecessor | None:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(ANSWER)
    try:
        connection.connect(str(path))
        text, numbers, _, _ = socket.recv_fds(connection, 1 << 16, _MOST)
        sockets = [socket.socket(fileno=number) for number in numbers]
        listens = [(str(address), int(port)) for address, port in json.loads(text or b"[]")]
    except (TimeoutError, BlockingIOError) as error:
        # The second is what the kernel says where too many wait to be answered.
        connection.close()
        raise BusyError(
            f"the front that serves has not handed over its sockets within {ANSWER:g} s; "
            "it may be in the middle of a change, or another one may be taking over"
        ) from error
    except (OSError, ValueError):
        connection.close()
        return None
    if not sockets:
        connection.close()
        return None
    return Predecessor(path, connection, dict(zip(listens, sockets, strict=True)))


class Offer:
    """Gives the listening sockets to a successor that asks for them."""

    def __init__(
        self,
        path: Path,
        sockets: Sockets,
        begin: Callable[[], Awaitable[None]],
        taken: Callable[[], Awaitable[None]],
        failed: Callable[[], Awaitable[None]],
    ) -> None:
        """Take what is to be done before a successor starts, once it serves, and where it never does."""
        self._path = path
        self._sockets = sockets
        self._begin = begin
        self._taken = taken
        self._failed = failed

    async def run(self) -> None:
        """Answer one successor after the other, until one serves."""
        loop = asyncio.get_running_loop()
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
            # A predecessor's may still be there; whoever connected to it is served by that one.
            self._path.unlink(missing_ok=True)
            listening.bind(str(self._path))
            listening.listen(1)
            listening.setblocking(False)
            while True:
                connection, _ = await loop.sock_accept(listening)
                with connection:
                    connection.setblocking(False)
                    if await self._gives(connection):
                        return

    async def _gives(self, connection: socket.socket) -> bool:
        loop = asyncio.get_running_loop()
        await self._begin()
        try:
            text = json.dumps(list(self._sockets)).encode()
            socket.send_fds(connection, [text], [one.fileno() for one in self._sockets.values()])
            async with asyncio.timeout(START):
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
