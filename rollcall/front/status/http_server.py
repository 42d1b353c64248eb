"""Serve the status over HTTP/1.1, to browsers, Prometheus and health checks; one request per connection."""

import asyncio
import logging
from collections.abc import Callable
from http import HTTPStatus

import h11

from rollcall.contract.status_document import Document
from rollcall.contract.timeouts import stretched
from rollcall.front.http import InvalidMessageError, Served
from rollcall.front.status.answering import METHODS, Past, Request, Response, answer

TIMEOUT_SECONDS = stretched(5.0)
# Concurrent connections; more are closed at once, to protect the front's file descriptors.
MAX_CONNECTIONS = 64
# The page loads only its own style and script, and no other page may embed it.
POLICY = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; \
base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

_INVALID = (
    Response(400, b"invalid request; expected HTTP/1.1\n"),
    Response(431, b"the request's header is too large\n"),
)

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
    return await asyncio.start_server(_Served(look, past).connected, host.strip("[]"), int(port))


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
        except OSError:
            # The client is gone or too slow. TimeoutError is an OSError.
            pass
        finally:
            self._open -= 1
            # Drop unsent data: a slow client must not hold it in memory.
            writer.transport.abort()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = Served(reader, writer)
        try:
            request = await client.request()
        except InvalidMessageError as error:
            response = _INVALID[error.status == HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE]
        else:
            if request is None:
                return
            response = await self._response(request_of(request))
        client.respond(response.status, headers_of(response), response.body)
        writer.close()
        await writer.wait_closed()

    async def _response(self, request: Request) -> Response:
        try:
            # With thousands of instances this takes a large part of a second, and reloads must not wait for it.
            return await asyncio.to_thread(answer, request, self._look(), self._past)
        except Exception:
            # A fault of the status must not stop the process that serves clients.
            log.exception("cannot show the status: %s", request.path)
            return Response(500, b"cannot show the status; see the front's log\n")


def request_of(request: h11.Request) -> Request:
    """Return the parts of a request that count."""
    given: dict[str, list[str]] = {}
    for name, value in request.headers:
        given.setdefault(name.decode("latin-1"), []).append(value.decode("latin-1"))
    encodings = ",".join(given.get("accept-encoding", []))
    return Request(
        request.method.decode(),
        request.target.decode("latin-1"),
        given.get("host", [""])[0],
        given.get("if-none-match", [""])[0],
        # By its bare name: "gzip;q=0" means that it must not be used.
        "gzip" in [encoding.strip().lower() for encoding in encodings.split(",")],
    )


def headers_of(response: Response) -> dict[str, str]:
    """Return a response's headers."""
    more = {"Content-Type": response.kind}
    if response.etag:
        more["ETag"] = response.etag
    if response.gzip:
        more["Content-Encoding"] = "gzip"
    if response.status == HTTPStatus.METHOD_NOT_ALLOWED:
        more["Allow"] = ", ".join(METHODS)
    return {**HEADERS, **more}
