"""Decide when nginx should forget which instances failed.

nginx leaves a failed instance out for `fail_timeout`, and responds with a 502 itself once an upstream has no other.
When the network comes back after a cut, all of them are well again long before that. A reload makes nginx forget.
"""

import math
from collections.abc import Collection

from rollcall.front.routing.accepting import accepting
from rollcall.front.routing.model import Routing

# Doubled at each reload, since each adds a generation of workers; beyond fail_timeout nginx tries again by itself.
FIRST_SECONDS = 1.0


class Revival:
    """When nginx was last made to forget, and how long to wait before it is again."""

    def __init__(self) -> None:
        """Start without any."""
        self._last = -math.inf
        self._pause = FIRST_SECONDS

    async def is_due(self, stranded: Collection[str], routing: Routing, fail_timeout: int, now: float) -> bool:
        """Return whether an upstream of which nothing was left has an instance that accepts connections; then wait.

        Args:
            stranded: the names of the upstreams that lately had no server left.
            routing: what nginx serves.
            fail_timeout: seconds for which nginx leaves out an instance.
            now: time.monotonic().
        """
        if now - self._last > 2 * fail_timeout:
            self._pause = FIRST_SECONDS
        if not stranded or now - self._last < self._pause or self._pause >= fail_timeout:
            return False
        instances = {
            server.instance
            for upstream in routing.every_upstream
            if upstream.name in stranded
            for server in upstream.servers
        }
        if not await accepting(instances):
            return False
        self._last, self._pause = now, 2 * self._pause
        return True
