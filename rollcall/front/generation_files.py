"""Write a generation and check it, with every failure as the sentence of a NotServedError."""

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


def write(generations: Generations, number: int, contents: Contents) -> None:
    """Write a generation.

    Raises:
        NotServedError: it cannot be written.
    """
    try:
        generations.build(number, contents)
    except OSError as error:
        generations.remove(number)
        # A missing mounted file stays missing until the next deploy; the volume may recover by itself.
        is_missing = isinstance(error, FileNotFoundError | PermissionError)
        is_mounted = Path(error.filename or "").is_relative_to(paths.CONFIGURATION)
        which: Kind = "refused" if is_missing and is_mounted else "hindered"
        raise NotServedError(which, f"cannot write generation {number}: {reason(error)}") from error


async def check(generations: Generations, number: int, refusal: str) -> None:
    """Check a generation with nginx; remove it if nginx refuses it.

    Raises:
        NotServedError: nginx refuses it, and the text begins with `refusal`; or it cannot be checked.
    """
    try:
        complaint = await process.complaint(generations.directory(number) / "nginx.conf")
    except OSError as error:
        generations.remove(number)
        raise NotServedError("hindered", f"cannot check generation {number}: {reason(error)}") from error
    if complaint:
        generations.remove(number)
        raise NotServedError(kind(complaint), f"{refusal}: {complaint}")


def kind(complaint: str) -> Kind:
    """Return whether nginx refuses the configuration itself, or only this machine hinders it."""
    return "hindered" if any(text in complaint for text in _RESOURCE_ERRORS) else "refused"


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
