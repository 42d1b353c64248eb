"""Respond to requests for the front's status."""

import gzip
import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from ipaddress import ip_address

from rollcall.contract.status_document import Document
from rollcall.front.status import metrics, page
from rollcall.front.status.health import verdict
from rollcall.front.status.history import SLOT_SECONDS, SLOTS, Series

JSON = "application/json"
TEXT = "text/plain; charset=utf-8"
METHODS = ("GET", "HEAD")
# Bytes; less fits into one packet anyway.
GZIP_FROM = 1024
# Returns each service's last 15 minutes.
Past = Callable[[], Mapping[str, Series]]


@dataclass(frozen=True)
class Request:
    """The relevant parts of an HTTP request; `host` is its Host header, "" without one.

    `etag` is the version of the page that the client has (If-None-Match); `gzip` whether it can read that.
    """

    method: str
    path: str
    host: str
    etag: str = ""
    gzip: bool = False


@dataclass(frozen=True)
class Response:
    """A response's status, body and content type, and its version if it has one."""

    status: int
    body: bytes
    kind: str = TEXT
    etag: str = ""
    gzip: bool = False


def answer(request: Request, document: Document, history: Past) -> Response:
    """Respond to a request from the status document, and from what `history` returns."""
    if not is_address(request.host):
        return Response(421, b"unknown host name; use the front's IP address or localhost\n")
    if request.method not in METHODS:
        return Response(405, b"only GET and HEAD\n")
    path = request.path.partition("?")[0]
    if path == "/":
        return _compressed(_page(document, request.etag), request)
    if path == "/history.json":
        return _compressed(_history(history()), request)
    if asset := page.ASSETS.get(path.removeprefix("/")):
        return _compressed(Response(200, *asset), request)
    return _compressed(_PATHS.get(path, _nowhere)(document), request)


def _compressed(response: Response, request: Request) -> Response:
    if not request.gzip or len(response.body) < GZIP_FROM:
        return response
    # The fastest level: the page repeats itself, so even this leaves a tenth of it.
    return replace(response, body=gzip.compress(response.body, 1), gzip=True)


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


def _page(document: Document, known: str) -> Response:
    # Times on the page go on by themselves, and the front's own looks at nginx count as connections.
    lasting = {**document, "time": None, "connections": document["connections"].get("active")}
    digest = hashlib.sha256(json.dumps(lasting).encode()).hexdigest()
    etag = f'"{digest[:32]}"'
    if known == etag:
        return Response(304, b"", etag=etag)
    return Response(200, _rendered(json.dumps(document)), "text/html; charset=utf-8", etag)


@lru_cache(maxsize=1)
def _rendered(document: str) -> bytes:
    """Return the page; several visitors in one second get the same."""
    return page.page(json.loads(document)).encode()


def _history(services: Mapping[str, Series]) -> Response:
    shown = {
        name: {"rates": series.rates, "errors": series.errors, "milliseconds": series.milliseconds}
        for name, series in services.items()
    }
    document = {"seconds": SLOT_SECONDS, "slots": SLOTS, "services": shown}
    return Response(200, json.dumps(document, separators=(",", ":")).encode(), JSON)


def _json(document: Document) -> Response:
    return Response(200, text_of(document), JSON)


def _metrics(document: Document) -> Response:
    return Response(200, metrics.metrics(document), metrics.CONTENT_TYPE)


def _health(document: Document) -> Response:
    judged = verdict(document)
    return Response(200 if judged.well else 503, judged.text.encode() + b"\n")


def _nowhere(_document: Document) -> Response:
    return Response(404, b"There are /, /status.json, /history.json, /metrics and /healthz.\n")


_PATHS = {"/status.json": _json, "/metrics": _metrics, "/healthz": _health}
