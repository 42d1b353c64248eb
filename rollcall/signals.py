"""Handle signals like Ctrl-C, so that a command undoes what it opened or changed."""

import signal
from types import FrameType


def interrupt_on(*numbers: signal.Signals) -> None:
    """Raise KeyboardInterrupt on these signals."""
    for number in numbers:
        signal.signal(number, _interrupt)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
