"""`registrator healthy`: asks the registrator that runs in the same container whether all is well with it."""

import http.client
from pathlib import Path

from rollcall.contract.timeouts import stretched
from rollcall.registrator.flags import UsageError, parse
from rollcall.registrator.settings import Endpoint, endpoint

# The container's first process: the registrator itself, or the init that was asked for with `docker run --init`.
FIRST_PROCESS = Path("/proc/1/cmdline")
PROGRAM_NAMES = ("rollcall.registrator", "registrator")
TIMEOUT = stretched(5)
ANY = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - these are asked, not listened at


def first_process() -> bytes:
    """The command line of the container's first process; empty where it cannot be read."""
    try:
        return FIRST_PROCESS.read_bytes()
    except OSError:
        return b""


def arguments_of(command: bytes) -> list[str] | None:
    """Take the registrator's arguments out of a command line (parts end with a zero byte); None if it is another's."""
    parts = command.decode(errors="replace").split("\0")[:-1]
    ours = [number for number, part in enumerate(parts) if part.rpartition("/")[2] in PROGRAM_NAMES]
    return parts[ours[-1] + 1 :] if ours else None


def status_endpoint(command: bytes) -> Endpoint:
    """Find where the registrator with this command line (parts end with a zero byte) answers about itself.

    Raises UsageError when it is no registrator's, or one with -status off.
    """
    arguments = arguments_of(command)
    if arguments is None:
        raise UsageError("the first process here is no registrator: ask inside its container")
    text = parse(arguments).text("status")
    if text == "off":
        raise UsageError("the registrator here was started with -status off: there is nothing to ask")
    return endpoint(text)


def healthy(at: Endpoint) -> tuple[bool, str]:
    """Ask once: whether all is well, and the answer or why there is none."""
    connection = http.client.HTTPConnection(ANY.get(at.host, at.host), at.port, timeout=TIMEOUT)
    try:
        connection.request("GET", "/healthz")
        answer = connection.getresponse()
        return answer.status == http.client.OK, answer.read().decode(errors="replace").strip()
    except (OSError, http.client.HTTPException) as error:
        return False, f"no answer at {at.host}:{at.port}: {error}"
    finally:
        connection.close()
