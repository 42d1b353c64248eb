"""Running other programs: output or a sentence, and none left behind when the lab is interrupted."""

import os
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from rollcall import waiting
from rollcall.errors import RollcallError

# How long a program may take to clean up behind itself.
_STOP_TIMEOUT_SECONDS = 5


class InterruptedWorkError(RollcallError):
    """A program was not started because the work around it is being ended."""


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
        RollcallError: the program is missing, or it failed; with the last line it said.
    """
    code, output, errors = attempt(arguments, stdin=stdin, environment=environment, directory=directory)
    if code != 0:
        raise RollcallError(f"Cannot {doing}: {last_line(errors or output) or f'exit code {code}'}")
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
        RollcallError: there is no such program.
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
                # A group of its own: Ctrl-C reaches this process only, which then ends all that the program started.
                start_new_session=True,
            )
        except FileNotFoundError as error:
            raise RollcallError(f"There is no program {arguments[0]} on this machine; install it.") from error
        _running.add(process)
    return process


def interrupt() -> None:
    """End every program that runs now, and let none start until `resume`: other threads then come to their end."""
    with _lock:
        _interrupted.set()
        for process in _running:
            _terminate(process)


def _terminate(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM)


def resume() -> None:
    """Let programs start again."""
    _interrupted.clear()


def last_line(text: str) -> str:
    """Return the last line that says something."""
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "")
