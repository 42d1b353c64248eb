"""Clients that run in a thread of their own while the benchmark goes on."""

import asyncio
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Background(ABC):
    """As many clients as `count`, until `stopping` is set."""

    port: int
    count: int
    stopping: bool = field(default=False, init=False)

    @contextmanager
    def running(self) -> Iterator[None]:
        thread = threading.Thread(target=lambda: asyncio.run(self._all()))
        thread.start()
        try:
            yield
        finally:
            self.stopping = True
            thread.join()

    async def _all(self) -> None:
        await asyncio.gather(*(self._one() for _ in range(self.count)))

    @abstractmethod
    async def _one(self) -> None:
        """Be one client."""
