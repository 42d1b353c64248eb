"""Send requests to a front as a client does."""

import http.client
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from rollcall.config.fleet import Member
from rollcall.contract.timeouts import stretched
from rollcall.remote.tunnel import Endpoint
from rollcall.verify.catalog import RESPONSE_TIMEOUT_SECONDS
from rollcall.verify.tls_probe import unverified

# A sample container responds with about 1 KiB.
MAX_BODY_BYTES = 64 * 1024


@dataclass(frozen=True)
class Response:
    """A front's response; status 0 for none."""

    status: int
    body: str


def request(endpoint: Endpoint, member: Member, path: str, headers: Mapping[str, str]) -> Response:
    """Send one request to a front over a new connection, as a new client does.

    Args:
        endpoint: the front's endpoint on this machine.
        member: its host.
        path: the path on the default site.
        headers: the headers beside Host.
    """
    connection = http.client.HTTPConnection(*endpoint, timeout=stretched(RESPONSE_TIMEOUT_SECONDS))
    try:
        connection.connect()
        connection.sock.sendall(preface(member))
        if member.settings.front.redirect:
            # Clients decide which issuer they trust, and the address is a tunnel's end.
            connection.sock = unverified().wrap_socket(connection.sock)
        connection.request("GET", path, headers={"Host": member.site_name, **headers})
        response = connection.getresponse()
        return Response(response.status, _body(response).decode(errors="replace"))
    except (OSError, http.client.HTTPException):
        return Response(0, "")
    finally:
        connection.close()


def _body(response: http.client.HTTPResponse) -> bytes:
    """Read the first part of a body: a container may send a large or endless one."""
    deadline = time.monotonic() + stretched(RESPONSE_TIMEOUT_SECONDS)
    body = b""
    # Keep what arrived before a timeout or a broken connection.
    with suppress(OSError, http.client.HTTPException):
        while len(body) < MAX_BODY_BYTES and time.monotonic() < deadline and (piece := response.read1(MAX_BODY_BYTES)):
            body += piece
    return body


def front_endpoint(member: Member) -> Endpoint:
    """Return where a front serves its site, on its host: HTTPS if plain HTTP only redirects there."""
    front = member.settings.front
    return (front.address or "127.0.0.1", front.https_port if front.redirect else front.http_port)


def front_by_tls(member: Member) -> Endpoint:
    """Return where a front serves HTTPS, on its host."""
    return (member.settings.front.address or "127.0.0.1", member.settings.front.https_port)


def preface(member: Member) -> bytes:
    """Return what a connection to a front begins with: the PROXY protocol's "I am the client", where it expects it."""
    return b"PROXY UNKNOWN\r\n" if member.settings.front.proxy_protocol else b""
