"""What Rollcall did not expect: one sentence for the person, the traceback in a file for whoever mends it."""

import os
import platform
import sys
import tempfile
import time
import traceback
from pathlib import Path

from rollcall import __version__

# The base directory specification says that a relative path is to be ignored.
_STATE = "XDG_STATE_HOME"


def sentence(error: BaseException) -> str:
    """Write the traceback to a file of this user's alone, and give the sentence that names it."""
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
        # No home, or none that can be written to.
        return _create(f"rollcall-{name}", None, head + text)


def _create(prefix: str, folder: str | None, text: str) -> Path:
    # mkstemp makes it with mode 0600: a message may well hold what is secret.
    handle, path = tempfile.mkstemp(".txt", prefix, folder)
    with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as opened:
        opened.write(text)
    return Path(path)


def _folder() -> Path:
    """Return where this user's programs keep their state. Raises RuntimeError: the user has no home."""
    given = os.environ.get(_STATE, "")
    state = Path(given) if given.startswith("/") else Path.home() / ".local/state"
    return state / "rollcall"
