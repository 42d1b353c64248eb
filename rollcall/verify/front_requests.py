"""Requests to a front, as a visitor sends them."""

import http.client
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from rollcall.config.fleet import Member
from rollcall.contract.timeouts import stretched
from rollcall.remote.tunnel import Endpoint
from rollcall.verify.catalog import ANSWER_SECONDS
from rollcall.verify.tls_probe import unverified

# Bytes. What a sample container says of itself has about 1 KiB.
LARGEST_BODY = 64 * 1024


@dataclass(frozen=True)
class Response:
    """What a front answered. Status 0: nothing at all."""

    status: int
    body: str


def request(endpoint: Endpoint, member: Member, path: str, headers: Mapping[str, str]) -> Response:
    """Send one request to a front over a connection of its own, as a new visitor does.

    Args:
        endpoint: where the front is reached from here.
        member: its host.
        path: what is requested of the default site.
        headers: those beside the site's name.
    """
    connection = _connection(*endpoint, tls=bool(member.settings.front.redirect))
    try:
        connection.request("GET", path, headers={"Host": member.site_name, **headers})
        response = connection.getresponse()
        return Response(response.status, _body(response).decode(errors="replace"))
    except (OSError, http.client.HTTPException):
        return Response(0, "")
    finally:
        connection.close()


def _body(response: http.client.HTTPResponse) -> bytes:
    """Read a body, but not all of one that is large, or never ends: a user's container may send anything."""
    deadline = time.monotonic() + stretched(ANSWER_SECONDS)
    body = b""
    # What came before a pause that is too long, or before the connection broke, was sent all the same.
    with suppress(OSError, http.client.HTTPException):
        while len(body) < LARGEST_BODY and time.monotonic() < deadline and (piece := response.read1(LARGEST_BODY)):
            body += piece
    return body


def front_endpoint(member: Member) -> Endpoint:
    """Return where a front serves its site, as its host sees it: by HTTPS where plain HTTP only leads there."""
    front = member.settings.front
    return (front.address or "127.0.0.1", front.https_port if front.redirect else front.http_port)


def front_by_tls(member: Member) -> Endpoint:
    """Return where a front answers by HTTPS, as its host sees it."""
    return (member.settings.front.address or "127.0.0.1", member.settings.front.https_port)


def _connection(address: str, port: int, *, tls: bool) -> http.client.HTTPConnection:
    if not tls:
        return http.client.HTTPConnection(address, port, timeout=stretched(ANSWER_SECONDS))
    # Who signed the certificate is the visitors' matter, and the address is a tunnel's end.
    return http.client.HTTPSConnection(address, port, timeout=stretched(ANSWER_SECONDS), context=unverified())
