"""Handle signals like Ctrl-C, so that a command undoes what it opened or changed."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


def interrupt_on(*numbers: signal.Signals) -> None:
    """Raise KeyboardInterrupt on these signals."""
    for number in numbers:
        signal.signal(number, _interrupt)


@contextmanager
def postponed(*numbers: signal.Signals) -> Iterator[None]:
    """Let these signals come only after the block, as one of them if any came."""
    came: list[int] = []
    before = {number: signal.signal(number, lambda got, _frame: came.append(got)) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if came:
        signal.raise_signal(signal.Signals(came[0]))


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
