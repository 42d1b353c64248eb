"""Start the command `rollcall`: handle Ctrl-C and closed streams before slow imports."""

import atexit
import contextlib
import gc
import os
import signal
import sys
import time

INTERRUPTED = 130
# Of new objects between two collections. Imports make a hundred thousand that stay: Python's 700 cost a command 9 %.
COLLECT_AFTER = 50_000


def main() -> None:
    """Run the command line."""
    gc.set_threshold(COLLECT_AFTER)
    # Python's exit looks through every object for cycles, for a tenth of a second; none of ours needs that.
    atexit.register(gc.freeze)
    try:
        _open_streams()
        from rollcall.cli.main import main as commands  # noqa: PLC0415 - Ctrl-C during the import prints no traceback

        commands(prog_name="rollcall")
    except KeyboardInterrupt:
        _exit("rollcall: interrupted\n")
    except SystemExit as end:
        if end.code == INTERRUPTED:
            _exit()
        _end_at_once_on_interrupt(end.code)
        raise


def _exit(message: str = "", code: int = INTERRUPTED) -> None:
    """Exit at once, without waiting for threads that wait for a response or for a second Ctrl-C."""
    sys.stderr.write(message)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _end_at_once_on_interrupt(result: object) -> None:
    """Let Ctrl-C change nothing about a command that is done, but spare it the wait for threads."""
    code = result if isinstance(result, int) else int(result is not None)
    signal.signal(signal.SIGINT, lambda _signal, _frame: _exit(code=code))
    with contextlib.suppress(SystemExit):
        # An interrupt that is under way (rollcall/deploy/program.py) comes now rather than in Python's own exit.
        time.sleep(0)


def _open_streams() -> None:
    """Open missing standard streams, and let them accept any character.

    Otherwise the next opened file gets the descriptor of a closed stream, and output lands in that file.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
            setattr(sys, name, open(number, "w" if number else "r", closefd=False))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        # In a locale without our characters, print the sentence with replacements.
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]


if __name__ == "__main__":
    main()
