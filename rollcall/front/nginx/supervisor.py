"""nginx is started again when it ends, on the same sockets: who came in the meantime waits there. But not for ever."""

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable

from rollcall.front.log import say
from rollcall.front.nginx import workers
from rollcall.front.nginx.process import Nginx
from rollcall.front.serving import Serving

# So many ends within so many seconds are no accident: then the container ends, and Docker starts it from nothing.
ENDS = 3
WITHIN = 60.0
# Seconds between two looks whether nginx serves after its start.
LOOK = 0.01


async def keep_nginx(nginx: Nginx, serving: Serving) -> None:
    """Start nginx again whenever it ends; returns when it ends too often."""
    ends: list[float] = []
    while True:
        status = await nginx.ended()
        now = time.monotonic()
        ends = [*(at for at in ends if now - at < WITHIN), now]
        if len(ends) >= ENDS:
            say(f"nginx ended with status {status}, for the {ENDS}rd time within {WITHIN:g} s, so the container does")
            return
        say(f"nginx ended with status {status} and is started again")
        # Those of one that was killed serve on, and take connections, too.
        orphans = workers.accepting()
        await nginx.start()
        if await serves(nginx, serving.answers):
            workers.tell(orphans, signal.SIGQUIT)


async def serves(nginx: Nginx, answers: Callable[[], Awaitable[bool]]) -> bool:
    """Wait until nginx serves the generation of that moment, which may be another by then; False when it ends."""
    while nginx.running:
        if await answers():
            return True
        await asyncio.sleep(LOOK)
    return False


class Orphans:
    """Processes of the container whose parent is gone: as its first process this one is to take note of their end."""

    def __init__(self) -> None:
        """Begin without any."""
        self._ended = 0

    def look(self) -> None:
        """Reap what had already ended at the look before; by now the event loop has reaped what is its own."""
        while (pid := _ended()) and pid == self._ended:
            os.waitpid(pid, os.WNOHANG)
            self._ended = 0
        self._ended = pid


def _ended() -> int:
    try:
        found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return 0
    return found.si_pid if found else 0
