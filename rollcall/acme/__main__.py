"""Run the ACME program as the first process of its container."""

import signal
import sys
import threading


def main() -> int:
    """Run until the container stops; with the argument `healthy`, say whether the program works."""
    stop = threading.Event()
    # First of all: the kernel drops a signal that process 1 does not handle yet.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())

    from rollcall.acme import program  # noqa: PLC0415

    if sys.argv[1:] == ["healthy"]:
        return 0 if program.is_alive() else 1
    return program.main(stop)


if __name__ == "__main__":
    sys.exit(main())
