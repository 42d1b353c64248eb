"""Tell stop signals from others."""

import signal

from rollcall.registrator.docker.container import Container


def is_stop(container: Container, number: int) -> bool:
    """Whether this signal should end the container: its stop signal, TERM or KILL."""
    return number in (signal.SIGTERM, signal.SIGKILL, stop_signal(container.stop_signal))


def stop_signal(text: str) -> int:
    """Parse a signal as STOPSIGNAL and `--stop-signal` spell it: 15, TERM, SIGTERM, SIGRTMIN+3.

    Anything else is TERM, as for the engine.
    """
    if text.isascii() and text.isdigit():
        return int(text[:3])
    name, plus, offset = text.upper().removeprefix("SIG").partition("+")
    try:
        return signal.Signals[f"SIG{name}"] + (int(offset) if plus else 0)
    except (KeyError, ValueError):
        return signal.SIGTERM
