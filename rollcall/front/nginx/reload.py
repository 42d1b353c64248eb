"""Reload nginx: not too often, and confirmed by the new workers."""

import asyncio
import signal
import time
from collections import deque
from contextlib import suppress
from typing import Literal

from rollcall.contract.timeouts import stretched
from rollcall.front.nginx import workers
from rollcall.front.nginx.process import Nginx

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

    async def reload(self, number: int) -> Outcome:
        """Reload nginx and wait until it serves this generation."""
        self._started.append(time.monotonic())
        before = workers.accepting()
        if not self._nginx.send_signal(signal.SIGHUP):
            return "not running"
        return "confirmed" if await self._confirmed(number, before) else "unconfirmed"

    async def _confirmed(self, number: int, before: frozenset[int]) -> bool:
        """Wait until a worker of the generation responds, and none of the workers before accepts connections."""
        with suppress(TimeoutError):
            async with asyncio.timeout(CONFIRM_TIMEOUT_SECONDS):
                while workers.still_accepting(before) or not await self._nginx.serves(number):
                    # nginx's master waits 100 ms after starting the new workers (ngx_msleep, ngx_process_cycle.c), and
                    # reaps no worker before it has stopped the old ones. New workers with a title run: stop those now.
                    if len(workers.accepting() - before) >= len(before):
                        workers.send_signal(before, signal.SIGQUIT)
                    await asyncio.sleep(CONFIRM_INTERVAL_SECONDS)
                return True
        return False
