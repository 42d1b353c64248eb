"""Restart nginx when it exits, on the same sockets, where new connections wait; give up when it exits too often."""

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable

from rollcall.front.log import write_line
from rollcall.front.nginx import workers
from rollcall.front.nginx.process import Nginx
from rollcall.front.serving import Serving

# After this many exits within the window the container stops, and Docker starts it afresh.
MAX_EXITS = 3
EXIT_WINDOW_SECONDS = 60.0
POLL_INTERVAL_SECONDS = 0.01


async def keep_nginx(nginx: Nginx, serving: Serving) -> None:
    """Restart nginx whenever it exits; return when it exits too often."""
    exits: list[float] = []
    while True:
        status = await nginx.wait()
        now = time.monotonic()
        exits = [*(at for at in exits if now - at < EXIT_WINDOW_SECONDS), now]
        if len(exits) >= MAX_EXITS:
            write_line(
                f"nginx exited {MAX_EXITS} times in {EXIT_WINDOW_SECONDS:g} s, last with status {status}; "
                "stopping the container"
            )
            return
        write_line(f"nginx exited with status {status}; restarting it")
        # The workers of a killed nginx continue to serve and to accept.
        orphans = workers.accepting()
        await nginx.start()
        if await serves(nginx, serving.confirmed):
            workers.send_signal(orphans, signal.SIGQUIT)


async def serves(nginx: Nginx, confirmed: Callable[[], Awaitable[bool]]) -> bool:
    """Wait until nginx serves the current generation, which may change meanwhile; return False if nginx exits."""
    while nginx.running:
        if await confirmed():
            return True
        await asyncio.sleep(POLL_INTERVAL_SECONDS)
    return False


class Orphans:
    """Reap processes whose parent is gone: the duty of a container's first process."""

    def __init__(self) -> None:
        """Start without any."""
        self._exited = 0

    def reap(self) -> None:
        """Reap what had exited at the previous call already; by now the event loop has reaped its own children."""
        while (pid := _exited()) and pid == self._exited:
            os.waitpid(pid, os.WNOHANG)
            self._exited = 0
        self._exited = pid


def _exited() -> int:
    try:
        found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return 0
    return found.si_pid if found else 0
