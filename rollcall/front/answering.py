"""What the front answers to a request for its status."""

import json
from dataclasses import dataclass

from rollcall.front import metrics, page
from rollcall.front.document import Document
from rollcall.front.health import verdict

JSON = "application/json"
TEXT = "text/plain; charset=utf-8"
# A page elsewhere whose name is made to lead to 127.0.0.1 (DNS rebinding) sends its own name.
OWN_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})
METHODS = ("GET", "HEAD")


@dataclass(frozen=True)
class Request:
    """The parts of an HTTP request that matter here; `host` is its Host header, "" without one."""

    method: str
    path: str
    host: str


@dataclass(frozen=True)
class Response:
    """What is sent back."""

    status: int
    body: bytes
    kind: str = TEXT


def answer(request: Request, document: Document, own_names: frozenset[str] = OWN_NAMES) -> Response:
    """Answer a request out of the status document, if it calls the front by one of its own names."""
    if name_of(request.host) not in own_names:
        return Response(421, b"this name is not the front's; right is the address itself, or localhost\n")
    if request.method not in METHODS:
        return Response(405, b"only GET and HEAD\n")
    return _PATHS.get(request.path.partition("?")[0], _nowhere)(document)


def name_of(host: str) -> str:
    """Take the port off a Host header."""
    name, colon, port = host.lower().rpartition(":")
    return name if colon and port.isdigit() else host.lower()


def text_of(document: Document) -> bytes:
    """Write the document as it is sent."""
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
