"""Run the scheduler as the first process of its container."""

import signal
import sys
import threading


def main() -> int:
    """Run until the container stops."""
    stop = threading.Event()
    # First of all: the kernel drops a signal that process 1 does not handle yet.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())

    from rollcall.scheduler import program  # noqa: PLC0415

    return program.main(stop)


if __name__ == "__main__":
    sys.exit(main())
