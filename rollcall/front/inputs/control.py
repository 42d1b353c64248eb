"""Commands to the front's process, from programs in its container: `front apply`, `front status`.

They use HTTP over a Unix socket, so that curl can send them: starting Python for each health check would cost more CPU
than everything else in the front.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from rollcall.contract.timeouts import stretched
from rollcall.front.http import InvalidMessageError, Served
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
        client = Served(reader, writer)
        try:
            async with asyncio.timeout(REQUEST_TIMEOUT_SECONDS):
                request = await client.request()
            if request is not None:
                outcome = await _run(request.target.decode("latin-1").removeprefix("/"), commands)
                status = HTTPStatus.OK if outcome.done else HTTPStatus.CONFLICT
                client.respond(status, {}, outcome.text.rstrip("\n").encode() + b"\n")
                await writer.drain()
        except (OSError, InvalidMessageError):
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


async def _run(name: str, commands: Mapping[str, Command]) -> Outcome:
    if name not in commands:
        return Outcome(False, f"command: got {name!r}; expected one of {', '.join(sorted(commands))}")
    try:
        return await commands[name]()
    except Exception as error:
        # A failed command must not stop the process that serves clients.
        write_line(f"{name} failed: {type(error).__name__}: {error}")
        return Outcome(False, f"{name} failed: {type(error).__name__}: {error}")
