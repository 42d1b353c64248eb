"""Serve the status over HTTP/1.1, to browsers, Prometheus and health checks; one request per connection."""

import asyncio
import logging
from collections.abc import Callable
from http import HTTPStatus

from rollcall.contract.status_document import Document
from rollcall.contract.timeouts import stretched
from rollcall.front.status.answering import METHODS, Past, Request, Response, answer

# A browser's header has a few hundred bytes.
MAX_REQUEST_BYTES = 16 * 1024
TIMEOUT_SECONDS = stretched(5.0)
# Concurrent connections; more are closed at once, to protect the front's file descriptors.
MAX_CONNECTIONS = 64
# The page loads only its own style and script, and no other page may embed it.
POLICY = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; \
base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
HEADERS = {
    "Cache-Control": "no-store",
    "Connection": "close",
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

log = logging.getLogger(__name__)


async def serve(address: str, look: Callable[[], Document], past: Past) -> asyncio.Server:
    """Serve requests at address:port from now on.

    Args:
        address: as `front.status` gives it, "127.0.0.1:8511".
        look: returns the current status document.
        past: returns each service's last 15 minutes; called in a thread.

    Raises:
        OSError: the port is taken, or the address is not this host's. The front continues without a status.
    """
    host, _, port = address.rpartition(":")
    return await asyncio.start_server(
        _Served(look, past).connected, host.strip("[]"), int(port), limit=MAX_REQUEST_BYTES
    )


class _Served:
    def __init__(self, look: Callable[[], Document], past: Past) -> None:
        self._look = look
        self._past = past
        self._open = 0

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open += 1
        try:
            if self._open <= MAX_CONNECTIONS:
                async with asyncio.timeout(TIMEOUT_SECONDS):
                    await self._converse(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            # The client is gone or too slow. TimeoutError is an OSError.
            pass
        finally:
            self._open -= 1
            # Drop unsent data: a slow client must not hold it in memory.
            writer.transport.abort()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.LimitOverrunError:
            head = b""
            response = Response(431, b"the request's header is too large\n")
        else:
            response = await self._response(head)
        writer.write(head_of(response))
        if not head.startswith(b"HEAD "):
            writer.write(response.body)
        writer.close()
        await writer.wait_closed()

    async def _response(self, head: bytes) -> Response:
        request = request_of(head)
        if request is None:
            return Response(400, b"invalid request; expected HTTP/1.1\n")
        try:
            # With thousands of instances this takes a large part of a second, and reloads must not wait for it.
            return await asyncio.to_thread(answer, request, self._look(), self._past)
        except Exception:
            # A fault of the status must not stop the process that serves clients.
            log.exception("cannot show the status: %s", request.path)
            return Response(500, b"cannot show the status; see the front's log\n")


def request_of(head: bytes) -> Request | None:
    """Parse a request's header; None if it is invalid."""
    first, *lines = head.decode("latin-1").split("\r\n")
    words = first.split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        return None
    fields = [line.partition(":") for line in lines if line]
    given: dict[str, list[str]] = {}
    for name, _, value in fields:
        given.setdefault(name.lower(), []).append(value.strip())
    hosts, encodings = given.get("host", []), ",".join(given.get("accept-encoding", []))
    return Request(
        words[0],
        words[1],
        hosts[0] if len(hosts) == 1 else "",
        given.get("if-none-match", [""])[0],
        # By its bare name: "gzip;q=0" means that it must not be used.
        "gzip" in [encoding.strip().lower() for encoding in encodings.split(",")],
    )


def head_of(response: Response) -> bytes:
    """Return a response's header."""
    more = {"Content-Type": response.kind, "Content-Length": str(len(response.body))}
    if response.etag:
        more["ETag"] = response.etag
    if response.gzip:
        more["Content-Encoding"] = "gzip"
    if response.status == HTTPStatus.METHOD_NOT_ALLOWED:
        more["Allow"] = ", ".join(METHODS)
    first = f"HTTP/1.1 {response.status} {HTTPStatus(response.status).phrase}"
    return "\r\n".join([first, *(f"{name}: {value}" for name, value in {**HEADERS, **more}.items()), "\r\n"]).encode()
