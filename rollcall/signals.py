"""Signals that end a command as Ctrl-C does, so that whatever it opened or changed is put back."""

import signal
from types import FrameType


def interrupt_on(*numbers: signal.Signals) -> None:
    """Let these signals raise KeyboardInterrupt."""
    for number in numbers:
        signal.signal(number, _interrupt)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
