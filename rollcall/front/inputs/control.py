"""Orders to the front's process, from programs in its container: `front apply`, `front status`.

They come as HTTP over a socket in the container, so that curl can give them: to start a Python for each health check
would take more of a core than everything else that the front does.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from rollcall.contract.timeouts import stretched
from rollcall.front.log import say

# Seconds for a request of one line.
REQUEST = stretched(5.0)


@dataclass(frozen=True)
class Outcome:
    """What came of an order: whether it was carried out, and what is to be said of it."""

    done: bool
    text: str


Order = Callable[[], Awaitable[Outcome]]


async def listen(path: Path, orders: Mapping[str, Order]) -> asyncio.Server:
    """Take orders from now on.

    Raises:
        OSError: the socket cannot be made.
    """

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(REQUEST):
                head = await reader.readuntil(b"\r\n\r\n")
            writer.write(_answer(await _carried_out(head, orders)))
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            # Whoever asked is gone, or is no program of ours.
            pass
        finally:
            writer.close()

    path.unlink(missing_ok=True)
    mask = os.umask(0o077)
    try:
        return await asyncio.start_unix_server(connected, path)
    finally:
        os.umask(mask)


async def _carried_out(head: bytes, orders: Mapping[str, Order]) -> Outcome:
    words = head.decode("latin-1").split(" ")
    name = words[1].removeprefix("/") if len(words) > 1 else ""
    if name not in orders:
        return Outcome(False, f"order: got {name!r}; expected one of {', '.join(sorted(orders))}")
    try:
        return await orders[name]()
    except Exception as error:
        # What serves visitors does not end because an order could not be carried out.
        say(f"{name} failed: {type(error).__name__}: {error}")
        return Outcome(False, f"{name} failed: {type(error).__name__}: {error}")


def _answer(outcome: Outcome) -> bytes:
    body = outcome.text.rstrip("\n").encode() + b"\n"
    status = "200 OK" if outcome.done else "409 Conflict"
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return head.encode() + body
