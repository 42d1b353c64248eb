"""Run the front's program as the first process of its container."""

import signal
import sys
from types import FrameType

STOP = (signal.SIGQUIT, signal.SIGTERM, signal.SIGINT)


def main() -> int:
    """Run until the container stops; return its exit status."""
    early: list[int] = []

    def remember(number: int, _: FrameType | None) -> None:
        early.append(number)

    # First of all, since imports take a moment: the kernel drops a signal that process 1 does not handle yet.
    for number in STOP:
        signal.signal(number, remember)

    import asyncio  # noqa: PLC0415

    from rollcall.front import program  # noqa: PLC0415

    async def run() -> int:
        stop, rendered = asyncio.Event(), asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in STOP:
            loop.add_signal_handler(number, stop.set)
        # consul-template's command sends this signal.
        loop.add_signal_handler(signal.SIGUSR1, rendered.set)
        if early:
            stop.set()
        return await program.main(stop, rendered)

    return asyncio.run(run())


if __name__ == "__main__":
    sys.exit(main())
