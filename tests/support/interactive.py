"""A command of Rollcall's that runs as in a terminal, for a signal in the middle."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from deployed import PROJECT


@contextmanager
def started(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Start the command; it ends with the block."""
    with subprocess.Popen(
        ["env", "--default-signal=INT", sys.executable, "-u", "-m", "rollcall", *arguments],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # As in a terminal, the signal reaches every process of the command, and none was told to ignore it.
        start_new_session=True,
    ) as process:
        yield process


def lines(process: subprocess.Popen[str]) -> Iterator[str]:
    """Give each line as the command prints it."""
    assert process.stdout is not None
    # Not from the stream itself, which a generator that is left in the middle would close.
    yield from iter(process.stdout.readline, "")


def send(process: subprocess.Popen[str], number: signal.Signals) -> None:
    """Send a signal to the command with all of its processes."""
    os.killpg(process.pid, number)
