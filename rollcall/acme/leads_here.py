"""Find out whether a name leads to a front, before anything is ordered for it."""

import http
import http.client
import secrets
import socket
import time
from collections.abc import Callable, Iterable

from rollcall.acme.settings import Front
from rollcall.contract.timeouts import stretched

# An authority that validates by HTTP-01 begins at this port (RFC 8555, 8.3).
HTTP_PORT = 80
REQUEST_TIMEOUT_SECONDS = stretched(5.0)
# How long fronts may take to serve an answer after it is in Consul.
ANSWER_TIMEOUT_SECONDS = stretched(10.0)
# What a load balancer says before requests of its own (PROXY protocol, version 1).
_PREFACE = b"PROXY UNKNOWN\r\n"
_LONGEST = 4096
_WELL_KNOWN = "/.well-known/acme-challenge/"


def addresses(name: str) -> tuple[str, ...]:
    """Return a name's addresses by this host's resolver; none if it has none."""
    try:
        found = socket.getaddrinfo(name, HTTP_PORT, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return ()
    return tuple(dict.fromkeys(str(address[0]) for *_, address in found))


def fault(name: str, found: Iterable[str], fronts: Iterable[str], publish: Callable[[str, str], None]) -> str:
    """Return why a name does not lead to a front, or "".

    Args:
        name: the host name.
        found: its addresses.
        fronts: the fronts' own addresses; behind any other, such as a router's, a front must answer.
        publish: lets the fronts answer a token.
    """
    found = tuple(found)
    if not found:
        return "DNS has no address for it"
    if not (strange := [address for address in found if address not in set(fronts)]):
        return ""
    token, answer = f"rollcall-{secrets.token_hex(8)}", secrets.token_hex(16)
    publish(token, answer)
    for address in strange:
        if not _answers(Front(address, HTTP_PORT), name, token, answer):
            return f"DNS leads to {address}, where no front answers on port {HTTP_PORT}"
    return ""


def wait_for_fronts(fronts: Iterable[Front], name: str, token: str, answer: str) -> None:
    """Wait until every front that responds gives the answer, at most for ANSWER_TIMEOUT_SECONDS.

    A front that does not respond is down or not reached from here; the authority's own request decides.
    """
    until = time.monotonic() + ANSWER_TIMEOUT_SECONDS
    left = list(fronts)
    while left and time.monotonic() < until:
        left = [front for front in left if not _answers(front, name, token, answer)]
        if left:
            time.sleep(0.1)


def mistaken(name: str, token: str, answer: str) -> str:
    """Return an address of the name that gives another answer, or "".

    One that gives none may not be reached from here; the authority's own request decides.
    """
    for address in addresses(name):
        if _answer(Front(address, HTTP_PORT), name, token) not in (None, answer):
            return address
    return ""


def _answers(front: Front, name: str, token: str, answer: str) -> bool:
    return _answer(front, name, token) == answer


def _answer(front: Front, name: str, token: str) -> str | None:
    """Return what a front answers, "" if it refuses, None without a response."""
    connection = http.client.HTTPConnection(front.address, front.port, timeout=REQUEST_TIMEOUT_SECONDS)
    try:
        connection.connect()
        if front.proxy_protocol:
            connection.sock.sendall(_PREFACE)
        connection.request("GET", _WELL_KNOWN + token, headers={"Host": name})
        response = connection.getresponse()
        return response.read(_LONGEST).decode(errors="replace") if response.status == http.HTTPStatus.OK else ""
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
