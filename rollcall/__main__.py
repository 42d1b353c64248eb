"""Where the command `rollcall` begins: Ctrl-C and odd streams are seen to before anything slow is imported."""

import os
import sys

INTERRUPTED = 130


def main() -> None:
    """Run the command line."""
    try:
        _open_streams()
        from rollcall.cli.main import main as commands  # noqa: PLC0415 - Ctrl-C while it is imported is no traceback

        commands(prog_name="rollcall")
    except KeyboardInterrupt:
        _leave("rollcall: interrupted\n")
    except SystemExit as end:
        if end.code == INTERRUPTED:
            _leave()
        raise


def _leave(words: str = "") -> None:
    """End now: threads that still wait for an answer are not waited for, and a second Ctrl-C finds nothing to stop."""
    sys.stderr.write(words)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(INTERRUPTED)


def _open_streams() -> None:
    """Have three standard streams that take any character.

    Where one is closed, the next file that is opened would get its number, and what is printed would land in it.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
            setattr(sys, name, open(number, "w" if number else "r", closefd=False))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        # In a locale without our characters, a sentence with some of them missing is better than none.
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]


if __name__ == "__main__":
    main()
