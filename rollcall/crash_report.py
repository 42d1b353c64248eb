"""Report an unexpected exception: one sentence for the user, the traceback in a file for whoever fixes it."""

import os
import platform
import sys
import tempfile
import time
import traceback
from pathlib import Path

from rollcall import __version__

# The XDG base directory specification: programs must ignore a relative path.
_STATE = "XDG_STATE_HOME"


def sentence(error: BaseException) -> str:
    """Write the traceback to a file that only this user can read, and return the sentence that names it."""
    last = traceback.format_exception_only(error)[-1].strip().splitlines()[0]
    try:
        file = _write("".join(traceback.format_exception(error)))
    except OSError as problem:
        return f"internal error: {last}; please report it. Its traceback could not be written: {problem}"
    return f"internal error: {last}; please report it with the file {file}"


def _write(text: str) -> Path:
    name = time.strftime("crash-%Y%m%d-%H%M%S-")
    head = f"rollcall {__version__}, Python {platform.python_version()}, {platform.platform()}\n{sys.argv}\n\n"
    try:
        folder = _folder()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return _create(name, str(folder), head + text)
    except (OSError, RuntimeError):
        # The home directory is missing or read-only.
        return _create(f"rollcall-{name}", None, head + text)


def _create(prefix: str, folder: str | None, text: str) -> Path:
    # mkstemp creates it with mode 0600: a message may contain a secret.
    handle, path = tempfile.mkstemp(".txt", prefix, folder)
    with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as opened:
        opened.write(text)
    return Path(path)


def _folder() -> Path:
    """Return this user's state directory for Rollcall. Raises RuntimeError: the user has no home directory."""
    given = os.environ.get(_STATE, "")
    state = Path(given) if given.startswith("/") else Path.home() / ".local/state"
    return state / "rollcall"
