"""Run other programs: return their output or raise one sentence, and leave none behind after an interrupt."""

import os
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from rollcall import waiting
from rollcall.errors import RollcallError
from rollcall.program_output import reason

# How long a program may take to clean up after SIGTERM.
_STOP_TIMEOUT_SECONDS = 5


class InterruptedWorkError(RollcallError):
    """A program was not started because the surrounding work is being interrupted."""


_running: set[subprocess.Popen[bytes]] = set()
_lock = threading.Lock()
_interrupted = threading.Event()


def run(
    arguments: Sequence[str],
    *,
    doing: str,
    stdin: bytes = b"",
    environment: Mapping[str, str] | None = None,
    directory: Path | None = None,
) -> str:
    """Run a program to its end and return its standard output.

    `doing` completes "Cannot …" in the error. `environment` is added to this process's own.

    Raises:
        RollcallError: the program is missing or failed; the error holds the reason that it gives.
    """
    code, output, errors = attempt(arguments, stdin=stdin, environment=environment, directory=directory)
    if code != 0:
        raise RollcallError(f"Cannot {doing}: {reason(errors, output) or f'exit code {code}'}")
    return output


def attempt(
    arguments: Sequence[str],
    *,
    stdin: bytes = b"",
    environment: Mapping[str, str] | None = None,
    directory: Path | None = None,
) -> tuple[int, str, str]:
    """Run a program to its end and return its exit code, its standard output and its standard error.

    Raises:
        RollcallError: the program is missing.
    """
    process = _start(arguments, environment, directory)
    try:
        output, errors = process.communicate(stdin)
    except BaseException:
        _terminate(process)
        if not waiting.until(lambda: process.poll() is not None, _STOP_TIMEOUT_SECONDS):
            os.killpg(process.pid, signal.SIGKILL)
        raise
    finally:
        with _lock:
            _running.discard(process)
    return process.returncode, output.decode(errors="replace"), errors.decode(errors="replace")


def _start(
    arguments: Sequence[str], environment: Mapping[str, str] | None, directory: Path | None
) -> subprocess.Popen[bytes]:
    with _lock:
        if _interrupted.is_set():
            raise InterruptedWorkError("Interrupted.")
        try:
            process = subprocess.Popen(
                arguments,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env={**os.environ, **(environment or {})},
                cwd=directory,
                # Its own process group: Ctrl-C reaches only this process, which then terminates the whole group.
                start_new_session=True,
            )
        except FileNotFoundError as error:
            raise RollcallError(f"The program {arguments[0]} is missing on this machine; install it.") from error
        _running.add(process)
    return process


def interrupt() -> None:
    """Terminate every running program, and start none until `resume`, so that other threads finish."""
    with _lock:
        _interrupted.set()
        for process in _running:
            _terminate(process)


def _terminate(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM)


def resume() -> None:
    """Allow programs to start again."""
    _interrupted.clear()
