"""nginx's worker processes, as the kernel shows them in this container."""

import os
import signal
from collections.abc import Collection, Iterable
from contextlib import suppress
from pathlib import Path

_ACCEPTING = b"nginx: worker process"
# nginx gives a worker that only ends its connections this title (ngx_worker_process_cycle).
_ENDING = b"nginx: worker process is shutting down"


def accepting() -> frozenset[int]:
    """The workers that take connections."""
    return frozenset(pid for pid in _processes() if _title(pid) == _ACCEPTING)


def still_accepting(workers: Iterable[int]) -> bool:
    """Whether any of these still takes connections."""
    return any(_title(pid) == _ACCEPTING for pid in workers)


def ending() -> frozenset[int]:
    """The workers that only end their connections."""
    return frozenset(pid for pid in _processes() if _title(pid) == _ENDING)


def tell(workers: Collection[int], number: signal.Signals) -> None:
    """Send these a signal; one that has just ended is none the worse."""
    for pid in workers:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def _processes() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _title(pid: int) -> bytes:
    try:
        # nginx writes its title over its arguments, and what is left of them is noughts.
        return Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\0 ")
    except OSError:
        return b""
