"""Check whether the Consul agent responds: consul-template itself reports failures only in its log."""

import asyncio
import re
from collections.abc import Callable
from pathlib import Path

from rollcall.contract.timeouts import stretched
from rollcall.front.status.problems import Problems

# An agent responds within milliseconds.
RESPONSE_TIMEOUT_SECONDS = stretched(3.0)
INTERVAL_SECONDS = 1.0
# A restart of the agent or an election fails fewer requests in a row.
FAILURES_BEFORE_PROBLEM = 2
# A response with its header and an error text is shorter.
MAX_RESPONSE_BYTES = 16 * 1024
# ?stale: any server may respond, and states whether it has a leader; without it the request waits for a leader.
CATALOG = "/v1/health/service/consul?stale"
_RESPONSE = re.compile(r"HTTP/1\.\d (?P<status>\d{3}) .*?\r\n\r\n(?P<body>.*)", re.DOTALL)
# A server that has lost the others responds with this (agent/http.go: setKnownLeader).
_NO_LEADER = "\r\nx-consul-knownleader: false\r\n"


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
    found = _RESPONSE.match(response)
    if found is None:
        return f"the program at {address} is not a Consul agent"
    if found["status"] != "200":
        text = " ".join(found["body"].split())[:200]
        return f"Consul's agent at {address} returned {found['status']}: {text}"
    return "Consul has no leader" if _NO_LEADER in response.lower() else ""


async def request(address: str, path: str, token: str, most: int) -> str:
    """Return the agent's response, its header and about `most` bytes at most.

    Raises:
        OSError: there is no connection.
    """
    host, _, port = address.rpartition(":")
    reader, writer = await asyncio.open_connection(host.strip("[]"), int(port))
    try:
        lines = [f"GET {path} HTTP/1.0", f"Host: {address}", f"X-Consul-Token: {token}"]
        writer.write("\r\n".join([*lines, "\r\n"]).encode())
        response = b""
        while len(response) < most and (more := await reader.read(most)):
            response += more
        return response.decode(errors="replace")
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
