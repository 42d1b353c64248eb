"""Inspect containers in separate threads, so that an inspection that hangs delays no other."""

import threading
import time
from queue import SimpleQueue
from typing import Protocol

from rollcall.contract.timeouts import stretched
from rollcall.registrator.docker.container import Container, read_container
from rollcall.registrator.docker.engine import Engine, EngineError, Inbox, Inspected, Listed
from rollcall.registrator.services.network_owner import network_owner

# An inspection takes milliseconds. After this time it counts as hanging, and others no longer wait for it.
HANG_SECONDS = stretched(0.25)
# How many may hang; a waiting thread costs some ten kilobytes.
MAX_HANGING = 32
# Inspections in progress. An engine that starts many containers takes a while for each, but works on several at once.
CONCURRENCY = 8


class Inspects(Protocol):
    """What the loop needs of an inspector."""

    def inspect(self, container_id: str) -> None:
        """Inspect a container; the result arrives in the inbox."""

    def list_running(self) -> None:
        """List the running containers; the result arrives in the inbox."""

    def free(self, now: float) -> bool:
        """Whether another inspection would start at once."""

    def next_time(self) -> float | None:
        """Return when to call `free` again without a message."""


class Inspector:
    """Inspector threads. Another one starts only while all others hang."""

    def __init__(self, engine: Engine, inbox: Inbox) -> None:
        """Prepare; starts no thread yet."""
        self._engine = engine
        self._inbox = inbox
        self._queue: SimpleQueue[str | None] = SimpleQueue()
        # The start of each inspection in progress; the key None is the list.
        self._started_at: dict[str | None, float] = {}
        self._threads = 0

    def inspect(self, container_id: str) -> None:
        """Inspect a container; the result arrives in the inbox."""
        self._enqueue(container_id)

    def list_running(self) -> None:
        """List the running containers; the result arrives in the inbox."""
        if None not in self._started_at:
            self._enqueue(None)

    def free(self, now: float) -> bool:
        """Whether another inspection would start at once."""
        in_progress = [since for since in self._started_at.copy().values() if now - since < HANG_SECONDS]
        return len(in_progress) < CONCURRENCY and len(self._started_at) < MAX_HANGING

    def next_time(self) -> float | None:
        """Return when the next inspection in progress counts as hanging."""
        now = time.monotonic()
        return min(
            (since + HANG_SECONDS for since in self._started_at.copy().values() if now - since < HANG_SECONDS),
            default=None,
        )

    def _enqueue(self, wanted: str | None) -> None:
        self._started_at[wanted] = time.monotonic()
        if len(self._started_at) > self._threads:
            self._threads += 1
            threading.Thread(target=self._work, daemon=True, name=f"inspect-{self._threads}").start()
        self._queue.put(wanted)

    def _work(self) -> None:
        while True:
            wanted = self._queue.get()
            message = listed(self._engine) if wanted is None else inspected(self._engine, wanted)
            del self._started_at[wanted]
            self._inbox.put(message)


def listed(engine: Engine) -> Listed:
    """List the running containers. Never raises."""
    try:
        return Listed(tuple(engine.running()))
    except EngineError as error:
        return Listed(error=str(error))


def inspected(engine: Engine, container_id: str) -> Inspected:
    """Inspect a container and those whose network it uses. Never raises."""

    def find(reference: str) -> Container | None:
        document = engine.inspect(reference)
        return read_container(document) if document is not None else None

    try:
        document = engine.inspect(container_id)
        if document is None:
            return Inspected(container_id)
        container = read_container(document)
        return Inspected(container_id, container, network_owner(container, find), document)
    except EngineError as error:
        return Inspected(container_id, error=str(error))
