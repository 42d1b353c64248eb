"""Turn failures into one sentence and a truthful exit code, never a traceback."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from rollcall.errors import Interrupted, RollcallError

FAILED, INTERRUPTED = 1, 130
# A shell's exit code for a program that SIGPIPE killed, as after `| head`.
READER_GONE = 141
# Set for a step of another command, which prints the final message.
AS_STEP = "ROLLCALL_AS_STEP"
SENTENCE = "interrupted; run the same command again to finish"
EXPECTED = (click.ClickException, click.exceptions.Exit, click.Abort)


@contextmanager
def as_sentences() -> Iterator[None]:
    """Turn what the block raises into a sentence on stderr and an exit code.

    Raises:
        SystemExit: 1 for the user's errors and Rollcall's own faults, 130 after Ctrl-C.
    """
    try:
        try:
            yield
        finally:
            _flush()
    except EXPECTED:
        raise
    except RollcallError as problem:
        _end(str(problem), FAILED)
    except KeyboardInterrupt as end:
        _end(", or ".join([SENTENCE, *map(str, end.args)]), INTERRUPTED)
    except SystemExit as end:
        if end.code != INTERRUPTED:
            raise
        # Ctrl-C in a process of pyinfra raises this (rollcall/deploy/program.py).
        _end(SENTENCE, INTERRUPTED)
    except BrokenPipeError:
        _discard_output()
        sys.exit(READER_GONE)
    except Exception as error:
        _unexpected(error)


@contextmanager
def way_back(sentence: str) -> Iterator[None]:
    """Name the way back where the block fails or is interrupted.

    Args:
        sentence: what undoes what the block may have done, as `put app1 back into service: COMMAND`.
    """
    try:
        yield
    except RollcallError as problem:
        raise RollcallError(f"{problem}; to {sentence}") from None
    except KeyboardInterrupt:
        raise Interrupted(sentence) from None
    except SystemExit as end:
        if end.code != INTERRUPTED:
            raise
        raise Interrupted(sentence) from None


def _unexpected(error: Exception) -> None:
    if isinstance(error, OSError) and error.filename is None and (why := _output_problem()):
        _discard_output()
        _end(f"cannot write to standard output: {why}", FAILED)
    if isinstance(error, FileNotFoundError) and not _current_folder_exists():
        _end("the current folder no longer exists; change to another one", FAILED)
    # Imported here, since it is rarely needed.
    from rollcall import crash_report

    _end(crash_report.sentence(error), FAILED)


def _end(sentence: str, code: int) -> None:
    if code == INTERRUPTED and AS_STEP in os.environ:
        sys.exit(code)
    from rollcall.console import fail

    try:
        fail(sentence)
    except (OSError, ValueError):
        # Standard error is gone; the exit code remains.
        _discard_output()
    sys.exit(code)


def _flush() -> None:
    # Otherwise Python flushes at its exit, where a full disk causes a traceback.
    if sys.stdout is not None:
        sys.stdout.flush()


def _output_problem() -> str:
    """Return why standard output cannot be written, or ""."""
    try:
        print(flush=True)  # noqa: T201 - the unwritten text may be gone by now
    except OSError as problem:
        return (problem.strerror or str(problem)).lower()
    except ValueError:
        return "it is closed"
    return ""


def _discard_output() -> None:
    """Discard pending output, so that Python's exit does not report it."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (AttributeError, OSError, ValueError):
            os.dup2(nowhere, 1 if stream is sys.stdout else 2)
    os.close(nowhere)


def _current_folder_exists() -> bool:
    try:
        os.getcwd()  # noqa: PTH109 - Path.cwd() is the same, and imports more
    except FileNotFoundError:
        return False
    return True
