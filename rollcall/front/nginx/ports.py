"""The ports where the front listens, which change with its streams."""

import os
import socket
from collections.abc import Collection, Iterable
from contextlib import suppress
from pathlib import Path

from rollcall.front.inputs.settings import Listen
from rollcall.front.nginx.listening import CannotListenError, Sockets, bound


class Ports:
    """The listening sockets of this front, those of its predecessor at first."""

    def __init__(self, given: Sockets) -> None:
        """Take the sockets of the predecessor."""
        self._sockets = dict(given)

    @property
    def sockets(self) -> Sockets:
        """Return the sockets, also those that only the next configuration needs."""
        return self._sockets

    def open(self, listens: Iterable[Listen]) -> dict[Listen, str]:
        """Listen where the front does not yet; return why it cannot, where another program does."""
        refused = {}
        for listen in listens:
            if listen not in self._sockets:
                try:
                    self._sockets[listen] = bound(listen)
                except CannotListenError as error:
                    refused[listen] = str(error)
        return refused

    def keep_only(self, listens: Collection[Listen]) -> None:
        """Close the sockets where nobody would accept any more."""
        for listen in self._sockets.keys() - set(listens):
            self._sockets.pop(listen).close()


def control(path: Path) -> socket.socket:
    """Listen at a Unix socket for requests of this container itself.

    nginx would remove it when it exits, also after a successor has begun to listen there; this one is not nginx's.
    """
    path.unlink(missing_ok=True)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listening.setblocking(False)
    listening.bind(str(path))
    with suppress(OSError):
        os.chmod(path, 0o666)  # noqa: PTH101, S103 — as nginx does itself
    listening.listen()
    return listening
