"""Find and signal nginx's worker processes in this container, by /proc."""

import os
import signal
from collections.abc import Collection, Iterable
from contextlib import suppress
from pathlib import Path

_ACCEPTING = b"nginx: worker process"
# nginx gives a worker that only finishes its connections this title (ngx_worker_process_cycle).
_ENDING = b"nginx: worker process is shutting down"


def accepting() -> frozenset[int]:
    """Return the workers that accept connections."""
    return frozenset(pid for pid in _processes() if _title(pid) == _ACCEPTING)


def still_accepting(workers: Iterable[int]) -> bool:
    """Whether any of these still accepts connections."""
    return any(_title(pid) == _ACCEPTING for pid in workers)


def ending() -> frozenset[int]:
    """Return the workers that only finish their connections."""
    return frozenset(pid for pid in _processes() if _title(pid) == _ENDING)


def send_signal(workers: Collection[int], number: signal.Signals) -> None:
    """Send these a signal; ignore one that has just exited."""
    for pid in workers:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def handles(pid: int, number: signal.Signals) -> bool:
    """Whether a process handles a signal itself (SigCgt of proc_pid_status(5))."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
    caught = next((line for line in status.splitlines() if line.startswith("SigCgt:")), "SigCgt: 0")
    return bool(int(caught.split()[1], 16) >> (number - 1) & 1)


def _processes() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _title(pid: int) -> bytes:
    try:
        # nginx writes its title over its arguments and pads the rest with zeros.
        return Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\0 ")
    except OSError:
        return b""
