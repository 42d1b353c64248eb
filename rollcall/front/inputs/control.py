"""Commands to the front's process, from programs in its container: `front apply`, `front status`.

They use HTTP over a Unix socket, so that curl can send them: starting Python for each health check would cost more CPU
than everything else in the front.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from rollcall.contract.timeouts import stretched
from rollcall.front.log import write_line

REQUEST_TIMEOUT_SECONDS = stretched(5.0)


@dataclass(frozen=True)
class Outcome:
    """The outcome of a command: whether it succeeded, and the text to print."""

    done: bool
    text: str


Command = Callable[[], Awaitable[Outcome]]


async def listen(path: Path, commands: Mapping[str, Command]) -> asyncio.Server:
    """Accept commands from now on.

    Raises:
        OSError: the socket cannot be made.
    """

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(REQUEST_TIMEOUT_SECONDS):
                head = await reader.readuntil(b"\r\n\r\n")
            writer.write(_response(await _run(head, commands)))
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            # The client is gone, or is not one of ours.
            pass
        finally:
            writer.close()

    path.unlink(missing_ok=True)
    mask = os.umask(0o077)
    try:
        return await asyncio.start_unix_server(connected, path)
    finally:
        os.umask(mask)


async def _run(head: bytes, commands: Mapping[str, Command]) -> Outcome:
    words = head.decode("latin-1").split(" ")
    name = words[1].removeprefix("/") if len(words) > 1 else ""
    if name not in commands:
        return Outcome(False, f"command: got {name!r}; expected one of {', '.join(sorted(commands))}")
    try:
        return await commands[name]()
    except Exception as error:
        # A failed command must not stop the process that serves clients.
        write_line(f"{name} failed: {type(error).__name__}: {error}")
        return Outcome(False, f"{name} failed: {type(error).__name__}: {error}")


def _response(outcome: Outcome) -> bytes:
    body = outcome.text.rstrip("\n").encode() + b"\n"
    status = "200 OK" if outcome.done else "409 Conflict"
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return head.encode() + body
