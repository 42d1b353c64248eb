"""Reload nginx: not too often, and confirmed by the new workers."""

import asyncio
import signal
import time
from collections import deque
from collections.abc import Collection
from contextlib import suppress
from typing import Literal

from rollcall.contract.timeouts import stretched
from rollcall.front.inputs.settings import Listen
from rollcall.front.nginx import workers
from rollcall.front.nginx.process import Nginx, Successor

# Until a new generation serves; milliseconds are usual.
CONFIRM_TIMEOUT_SECONDS = stretched(5.0)
CONFIRM_INTERVAL_SECONDS = 0.005
# This many reloads within the window start at once; a longer burst of changes is served together.
BURST_RELOADS = 4
BURST_WINDOW_SECONDS = 1.0

Outcome = Literal["confirmed", "unconfirmed", "not running"]


class Reloader:
    """Reload one nginx, at most BURST_RELOADS times per BURST_WINDOW_SECONDS."""

    def __init__(self, nginx: Nginx) -> None:
        """Start without any reload."""
        self._nginx = nginx
        self._started: deque[float] = deque(maxlen=BURST_RELOADS)

    def seconds_until_next(self) -> float:
        """Return how long to wait before the next reload."""
        if len(self._started) < BURST_RELOADS:
            return 0.0
        return max(0.0, self._started[0] + BURST_WINDOW_SECONDS - time.monotonic())

    async def reload(self, number: int, listens: Collection[Listen]) -> Outcome:
        """Reload nginx and wait until it serves this generation, at these sockets, or refuses it."""
        self._started.append(time.monotonic())
        self._nginx.refusal = ""
        before = workers.accepting()
        if not self._nginx.inherited(listens):
            return await self._replace(number, before)
        if not self._nginx.send_signal(signal.SIGHUP):
            return "not running"
        if await self._confirmed(number, before):
            self._nginx.dropped(listens)
            return "confirmed"
        return "unconfirmed"

    async def _replace(self, number: int, before: frozenset[int]) -> Outcome:
        """Let another nginx take over: a running one cannot be given a socket."""
        if not self._nginx.running:
            return "not running"
        successor = await self._nginx.beside()
        if await self._confirmed(number, before, successor):
            self._nginx.replace(successor)
            return "confirmed"
        if not self._nginx.is_replaced_by(successor):
            await successor.stop()
        return "unconfirmed"

    async def _confirmed(self, number: int, before: frozenset[int], successor: Successor | None = None) -> bool:
        """Wait until a worker of the generation responds, and none of the workers before accepts connections."""
        with suppress(TimeoutError):
            async with asyncio.timeout(CONFIRM_TIMEOUT_SECONDS):
                while workers.still_accepting(before) or not await self._nginx.serves(number):
                    if self._nginx.refusal or (successor and successor.process.returncode is not None):
                        return False
                    # nginx's master waits 100 ms after starting the new workers (ngx_msleep, ngx_process_cycle.c), and
                    # reaps no worker before it has stopped the old ones. New workers with a title run: stop those now.
                    if len(workers.accepting() - before) >= len(before):
                        if successor:
                            self._nginx.replace(successor)
                        else:
                            workers.send_signal(before, signal.SIGQUIT)
                    await asyncio.sleep(CONFIRM_INTERVAL_SECONDS)
                return True
        return False
