"""Check whether the Consul agent responds: consul-template itself reports failures only in its log."""

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path

from rollcall.contract.timeouts import stretched
from rollcall.front.http import InvalidMessageError, Response, get
from rollcall.front.status.problems import Problems

# An agent responds within milliseconds.
RESPONSE_TIMEOUT_SECONDS = stretched(3.0)
INTERVAL_SECONDS = 1.0
# A restart of the agent or an election fails fewer requests in a row.
FAILURES_BEFORE_PROBLEM = 2
# An error's text is shorter.
MAX_RESPONSE_BYTES = 16 * 1024
# "false" from a server that has lost the others (agent/http.go: setKnownLeader).
_LEADER = "x-consul-knownleader"
# ?stale: any server may respond, and states whether it has a leader; without it the request waits for a leader.
CATALOG = "/v1/health/service/consul?stale"


async def poll(address: Callable[[], str], token: Path, problems: Problems) -> None:
    """Request the catalog every second, and report a failure as a problem.

    Args:
        address: returns the agent's current host:port.
        token: the file with the front's token, which a deploy may change.
        problems: gets the failure.
    """
    failed = 0
    while True:
        reason = await complaint(address(), read_token(token))
        failed = failed + 1 if reason else 0
        if not reason or failed >= FAILURES_BEFORE_PROBLEM:
            text = f"cannot follow the catalog; nginx serves the last known instances: {reason}"
            problems.are("catalog", [text] if reason else [], source="consul")
        await asyncio.sleep(INTERVAL_SECONDS)


async def complaint(address: str, token: str) -> str:
    """Request the catalog as consul-template does; return the reason of a failure, or ""."""
    try:
        async with asyncio.timeout(RESPONSE_TIMEOUT_SECONDS):
            response = await request(address, CATALOG, token, MAX_RESPONSE_BYTES)
    except TimeoutError:
        return f"Consul's agent at {address} did not respond within {RESPONSE_TIMEOUT_SECONDS:g} s"
    except OSError as error:
        return f"cannot connect to Consul's agent at {address}: {_why(error)}"
    except InvalidMessageError:
        return f"the program at {address} is not a Consul agent"
    if response.status != HTTPStatus.OK:
        text = " ".join(response.body.decode(errors="replace").split())[:200]
        return f"Consul's agent at {address} returned {response.status}: {text}"
    return "Consul has no leader" if response.headers.get(_LEADER) == "false" else ""


async def request(address: str, path: str, token: str, most: int) -> Response:
    """Return the agent's response, with about `most` bytes of its body at most.

    Raises:
        OSError: there is no connection.
        InvalidMessageError: the program at the address does not speak HTTP.
    """
    host, _, port = address.rpartition(":")
    reader, writer = await asyncio.open_connection(host.strip("[]"), int(port))
    try:
        return await get(reader, writer, path, {"Host": address, "X-Consul-Token": token}, most)
    finally:
        writer.close()


def read_token(token: Path) -> str:
    """Return the front's token; "" without one."""
    try:
        return token.read_text(errors="replace").strip()
    except OSError:
        return ""


def _why(error: OSError) -> str:
    # asyncio's own text repeats the address, once per address of a name.
    refused = isinstance(error, ConnectionRefusedError)
    return "Connection refused" if refused else error.strerror or str(error)
