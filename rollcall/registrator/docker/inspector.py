"""Inspects containers in threads of its own: one whose inspection hangs holds nobody else up."""

import threading
import time
from collections.abc import Mapping
from queue import SimpleQueue
from typing import Protocol

from rollcall.contract.timeouts import stretched
from rollcall.registrator.docker.container import Container, read_container
from rollcall.registrator.docker.engine import Engine, EngineError, Inbox, Inspected, Listed
from rollcall.registrator.services.network_owner import network_owner

# An inspection that has not come back within so many seconds no longer keeps others waiting; it takes milliseconds.
PATIENCE = stretched(0.25)
# So many may hang; a thread that waits costs some ten kilobytes.
MOST = 32
# Inspections on their way: one at the engine, and one that the thread finds when it is done with it.
AT_ONCE = 2


class Inspects(Protocol):
    """What the loop needs of it."""

    def inspect(self, container_id: str) -> None:
        """Put what the engine says of a container into the inbox, later."""

    def list_running(self) -> None:
        """Put the running containers into the inbox, later."""

    def free(self, now: float) -> bool:
        """Tell whether another inspection would not only wait."""

    def next_time(self) -> float | None:
        """When `free` should be asked again, although nothing has come."""


class Inspector:
    """The threads. A further one is started only while all others hang."""

    def __init__(self, engine: Engine, inbox: Inbox) -> None:
        """Start nothing yet."""
        self._engine = engine
        self._inbox = inbox
        self._wanted: SimpleQueue[str | None] = SimpleQueue()
        # What is on its way, and since when; None is the list.
        self._since: dict[str | None, float] = {}
        self._threads = 0

    def inspect(self, container_id: str) -> None:
        """Put what the engine says of a container into the inbox, later."""
        self._want(container_id)

    def list_running(self) -> None:
        """Put the running containers into the inbox, later."""
        if None not in self._since:
            self._want(None)

    def free(self, now: float) -> bool:
        """Tell whether another inspection would not only wait."""
        on_their_way = [since for since in self._since.copy().values() if now - since < PATIENCE]
        return len(on_their_way) < AT_ONCE and len(self._since) < MOST

    def next_time(self) -> float | None:
        """When one of those on their way begins to hang."""
        now = time.monotonic()
        return min((since + PATIENCE for since in self._since.copy().values() if now - since < PATIENCE), default=None)

    def _want(self, wanted: str | None) -> None:
        self._since[wanted] = time.monotonic()
        if len(self._since) > self._threads:
            self._threads += 1
            threading.Thread(target=self._work, daemon=True, name=f"inspect-{self._threads}").start()
        self._wanted.put(wanted)

    def _work(self) -> None:
        while True:
            wanted = self._wanted.get()
            message = listed(self._engine) if wanted is None else inspected(self._engine, wanted)
            del self._since[wanted]
            self._inbox.put(message)


def listed(engine: Engine) -> Listed:
    """List the running containers. Never raises."""
    try:
        return Listed(tuple(engine.running()))
    except EngineError as error:
        return Listed(error=str(error))


def inspected(engine: Engine, container_id: str) -> Inspected:
    """Inspect a container and those whose network it uses. Never raises."""
    lenders: dict[str, Mapping[str, object] | None] = {}

    def find(text: str) -> Container | None:
        document = lenders[text] = engine.inspect(text)
        return read_container(document) if document is not None else None

    try:
        document = engine.inspect(container_id)
        if document is not None:
            network_owner(read_container(document), find)
    except EngineError as error:
        return Inspected(container_id, error=str(error))
    return Inspected(container_id, document, lenders)
