"""`registrator healthy`: check the registrator in the same container, for a HEALTHCHECK."""

import http.client
from pathlib import Path

from rollcall.contract.timeouts import stretched
from rollcall.registrator.flags import UsageError, parse
from rollcall.registrator.settings import Endpoint, endpoint

# The container's first process: the registrator, or the init of `docker run --init`.
FIRST_PROCESS = Path("/proc/1/cmdline")
PROGRAM_NAMES = ("rollcall.registrator", "registrator")
TIMEOUT_SECONDS = stretched(5)
ANY = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - to connect, not to listen


def first_process() -> bytes:
    """Return the command line of the container's first process, b"" if it is unreadable."""
    try:
        return FIRST_PROCESS.read_bytes()
    except OSError:
        return b""


def arguments_of(command: bytes) -> list[str] | None:
    """Return a registrator's arguments from its command line (parts end with a zero byte), None for another program."""
    parts = command.decode(errors="replace").split("\0")[:-1]
    ours = [number for number, part in enumerate(parts) if part.rpartition("/")[2] in PROGRAM_NAMES]
    return parts[ours[-1] + 1 :] if ours else None


def status_endpoint(command: bytes) -> Endpoint:
    """Return the -status address of the registrator with this command line (parts end with a zero byte).

    Raises UsageError for another program, and for -status off.
    """
    arguments = arguments_of(command)
    if arguments is None:
        raise UsageError("the first process is not a registrator; run this in the registrator's container")
    text = parse(arguments).text("status")
    if text == "off":
        raise UsageError("the registrator runs with -status off, so it has no /healthz")
    return endpoint(text)


def healthy(at: Endpoint) -> tuple[bool, str]:
    """Request /healthz once. Return whether it is healthy, and the response or the error."""
    connection = http.client.HTTPConnection(ANY.get(at.host, at.host), at.port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", "/healthz")
        response = connection.getresponse()
        return response.status == http.client.OK, response.read().decode(errors="replace").strip()
    except (OSError, http.client.HTTPException) as error:
        return False, f"no response from {at.host}:{at.port}: {error}"
    finally:
        connection.close()
