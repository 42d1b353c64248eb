"""Whether Consul can be followed: where it cannot, consul-template tries again and again, and tells its log alone."""

import asyncio
import re
from collections.abc import Callable
from pathlib import Path

from rollcall.contract.timeouts import stretched
from rollcall.front.status.problems import Problems

# Seconds for an answer that an agent has within milliseconds.
ANSWER = stretched(3.0)
# Seconds between two questions.
PAUSE = 1.0
# So many in a row are no agent that starts anew, and no election.
IN_A_ROW = 2
# Bytes that are read of an answer; with its header and what an error says it has less.
MOST = 16 * 1024
_ANSWER = re.compile(r"HTTP/1\.\d (?P<status>\d{3}) .*?\r\n\r\n(?P<body>.*)", re.DOTALL)
# Consul says so of a server that has lost the others (agent/http.go: setKnownLeader).
_NO_LEADER = "\r\nx-consul-knownleader: false\r\n"


async def keep_asking(address: Callable[[], str], token: Path, problems: Problems) -> None:
    """Ask the agent every second, and show as a problem what hinders it.

    Args:
        address: gives the agent's host:port of the moment.
        token: the file with the front's token, which a deploy may change.
        problems: is told.
    """
    failed = 0
    while True:
        reason = await complaint(address(), _text(token))
        failed = failed + 1 if reason else 0
        if not reason or failed >= IN_A_ROW:
            said = f"the catalog cannot be followed, and nginx serves what was known: {reason}"
            problems.are("catalog", [said] if reason else [], source="consul")
        await asyncio.sleep(PAUSE)


async def complaint(address: str, token: str) -> str:
    """Ask the agent as consul-template does, and say what is wrong; nothing where it shows its catalog."""
    try:
        async with asyncio.timeout(ANSWER):
            answer = await _asked(address, token)
    except TimeoutError:
        return f"Consul's agent at {address} has not answered for {ANSWER:g} s"
    except OSError as error:
        return f"Consul's agent at {address} cannot be reached: {_why(error)}"
    found = _ANSWER.match(answer)
    if found is None:
        return f"what answers at {address} is no Consul agent"
    if found["status"] != "200":
        said = " ".join(found["body"].split())[:200]
        return f"Consul's agent at {address} answers: {found['status']} {said}"
    return "Consul has no leader" if _NO_LEADER in answer.lower() else ""


async def _asked(address: str, token: str) -> str:
    host, _, port = address.rpartition(":")
    reader, writer = await asyncio.open_connection(host.strip("[]"), int(port))
    try:
        # Any server may answer, and says whether it has a leader: who asks the leader waits until there is one.
        lines = ["GET /v1/health/service/consul?stale HTTP/1.0", f"Host: {address}", f"X-Consul-Token: {token}"]
        writer.write("\r\n".join([*lines, "\r\n"]).encode())
        answer = b""
        while len(answer) < MOST and (more := await reader.read(MOST)):
            answer += more
        return answer.decode(errors="replace")
    finally:
        writer.close()


def _text(token: Path) -> str:
    try:
        return token.read_text(errors="replace").strip()
    except OSError:
        return ""


def _why(error: OSError) -> str:
    # asyncio's own text names the address once more, and each address that a name has.
    refused = isinstance(error, ConnectionRefusedError)
    return "Connection refused" if refused else error.strerror or str(error)
