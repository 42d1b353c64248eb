"""Respond to requests for the front's status."""

import json
import re
from dataclasses import dataclass
from ipaddress import ip_address

from rollcall.contract.status_document import Document
from rollcall.front.status import metrics, page
from rollcall.front.status.health import verdict

JSON = "application/json"
TEXT = "text/plain; charset=utf-8"
METHODS = ("GET", "HEAD")


@dataclass(frozen=True)
class Request:
    """The relevant parts of an HTTP request; `host` is its Host header, "" without one."""

    method: str
    path: str
    host: str


@dataclass(frozen=True)
class Response:
    """A response's status, body and content type."""

    status: int
    body: bytes
    kind: str = TEXT


def answer(request: Request, document: Document) -> Response:
    """Respond to a request from the status document."""
    if not is_address(request.host):
        return Response(421, b"unknown host name; use the front's IP address or localhost\n")
    if request.method not in METHODS:
        return Response(405, b"only GET and HEAD\n")
    return _PATHS.get(request.path.partition("?")[0], _nowhere)(document)


def is_address(host: str) -> bool:
    """Whether a Host header, with or without a port, is an address or localhost.

    A foreign web page that points its own name to the front's address, to read it through a visitor's browser (DNS
    rebinding), sends that name.
    """
    found = re.fullmatch(r"(\[(?P<six>[^]]*)\]|(?P<other>[^:]*))(:\d+)?", host.lower())
    if found is None:
        return False
    if found["other"] == "localhost":
        return True
    try:
        ip_address(found["six"] or found["other"] or "")
    except ValueError:
        return False
    return True


def text_of(document: Document) -> bytes:
    """Return the document as JSON."""
    return json.dumps(document).encode() + b"\n"


def _page(document: Document) -> Response:
    return Response(200, page.page(document).encode(), "text/html; charset=utf-8")


def _json(document: Document) -> Response:
    return Response(200, text_of(document), JSON)


def _metrics(document: Document) -> Response:
    return Response(200, metrics.metrics(document), metrics.CONTENT_TYPE)


def _health(document: Document) -> Response:
    judged = verdict(document)
    return Response(200 if judged.well else 503, judged.text.encode() + b"\n")


def _style(_document: Document) -> Response:
    return Response(200, (page.FOLDER / page.STYLE).read_bytes(), "text/css; charset=utf-8")


def _script(_document: Document) -> Response:
    return Response(200, (page.FOLDER / page.SCRIPT).read_bytes(), "text/javascript; charset=utf-8")


def _nowhere(_document: Document) -> Response:
    return Response(404, b"There are /, /status.json, /metrics and /healthz.\n")


_PATHS = {
    "/": _page,
    "/status.json": _json,
    "/metrics": _metrics,
    "/healthz": _health,
    f"/{page.STYLE}": _style,
    f"/{page.SCRIPT}": _script,
}
