"""Write and check a generation, with every failure as the sentence of a NotServedError."""

import errno
from pathlib import Path

from rollcall.front import paths
from rollcall.front.nginx import process
from rollcall.front.nginx.generation import Contents, Generations
from rollcall.front.routing.refusal import Kind, NotServedError

# nginx reports a full disk, full memory or missing descriptors in words only.
_RESOURCE_ERRORS = (
    "No space left on device",
    "Disk quota exceeded",
    "Cannot allocate memory",
    "Too many open files",
)


async def build(generations: Generations, number: int, contents: Contents, refusal: str) -> None:
    """Write a generation and check it with nginx; remove it if the check fails.

    Raises:
        NotServedError: it cannot be written, or nginx refuses it; the text begins with `refusal` then.
    """
    try:
        generations.build(number, contents)
    except OSError as error:
        generations.remove(number)
        # A missing mounted file stays missing until the next deploy; the volume may recover by itself.
        is_missing = isinstance(error, FileNotFoundError | PermissionError)
        is_mounted = Path(error.filename or "").is_relative_to(paths.CONFIGURATION)
        kind: Kind = "refused" if is_missing and is_mounted else "hindered"
        raise NotServedError(kind, f"cannot write generation {number}: {reason(error)}") from error
    try:
        complaint = await process.complaint(generations.directory(number) / "nginx.conf")
    except OSError as error:
        generations.remove(number)
        raise NotServedError("hindered", f"cannot check generation {number}: {reason(error)}") from error
    if complaint:
        generations.remove(number)
        hindered = any(text in complaint for text in _RESOURCE_ERRORS)
        raise NotServedError("hindered" if hindered else "refused", f"{refusal}: {complaint}")


def make_current(generations: Generations, number: int) -> None:
    """Make a generation the current one.

    Raises:
        NotServedError: the volume cannot be written.
    """
    try:
        generations.make_current(number)
    except OSError as error:
        raise NotServedError("hindered", f"cannot make generation {number} the current one: {reason(error)}") from error


def reason(error: OSError) -> str:
    """Word the reason of an error, with the file where it matters."""
    what = error.strerror or str(error)
    # On a full disk the file that failed is a coincidence.
    return what if error.filename is None or error.errno == errno.ENOSPC else f"{error.filename}: {what}"
