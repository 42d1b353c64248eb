"""Policies of how requests and responses pass: sizes, timeouts, retries, compression, sticky sessions."""

from rollcall.contract.policies import values
from rollcall.contract.policies.policy import Lines, Place, Policy

_SECONDS = 86400
_SAME_SITE = ("lax", "strict", "none")


def _line(template: str, *more: str) -> "_Lines":
    return _Lines((template, *more))


class _Lines:
    """Lines with {module} and {value} in them."""

    def __init__(self, templates: tuple[str, ...]) -> None:
        self._templates = templates

    def __call__(self, value: str, place: Place) -> Lines:
        return Lines(tuple(text.format(module=place.module, value=value) for text in self._templates))


def _read_timeout(value: str, place: Place) -> Lines:
    lines = (f"{place.module}_read_timeout {value}s;", f"{place.module}_send_timeout {value}s;")
    # A stream of gRPC may be silent in both directions.
    return Lines((*lines, f"client_body_timeout {value}s;") if place.grpc else lines)


def _response_headers(value: str, place: Place) -> Lines:
    return Lines(buffers(place.module, int(value)))


def buffers(module: str, kib: int) -> tuple[str, ...]:
    """Return the lines that make room for a response's header, which must fit into one buffer."""
    first = f"{module}_buffer_size {kib}k;"
    # nginx refuses buffers whose sum is less than twice the first; it takes them as a response needs them.
    return (first,) if module == "grpc" else (first, f"{module}_buffers 8 {kib}k;")


def _retries(value: str, place: Place) -> Lines:
    return Lines((f"{place.module}_next_upstream off;",) if value == "off" else ())


def _sticky(text: str) -> str:
    if text.lower() in _SAME_SITE:
        return text.lower()
    return _SAME_SITE[0] if values.enabled(text) else ""


POLICIES = (
    Policy(
        "max_body_size",
        'a size such as "100m" (k, m or g), or "0" for any size',
        "Largest request body; a larger one gets a 413. Without it: `front.max_body_size`",
        "2g",
        values.size,
        _line("client_max_body_size {value};"),
    ),
    Policy(
        "max_response_header_size",
        "an integer from 4 to 256 (KiB)",
        "Largest header of a response, with all of its cookies; a larger one gets a 502. "
        "Without it: `front.max_response_header_size`",
        "32",
        values.integer(4, 256),
        _response_headers,
    ),
    Policy(
        "connect_timeout",
        "an integer from 1 to 75 (seconds)",
        "How long an instance may take to accept a connection, before the next one is tried. Without it: 1",
        "3",
        values.integer(1, 75),
        _line("{module}_connect_timeout {value}s;"),
    ),
    Policy(
        "read_timeout",
        f"an integer from 1 to {_SECONDS} (seconds)",
        "Longest pause of a service that sends a response, of a WebSocket or of a gRPC stream. "
        "Without it: `front.proxy_read_timeout`",
        "600",
        values.integer(1, _SECONDS),
        _read_timeout,
    ),
    Policy(
        "retries",
        "true or false",
        "Send a request to another instance where one fails; if not, the visitor sees the failure",
        "false",
        values.switch,
        _retries,
    ),
    Policy(
        "gzip",
        "true or false",
        "Compress text for browsers that take it. Without it: `front.gzip`",
        "false",
        values.switch,
        _line("gzip {value};"),
    ),
    Policy(
        "sticky",
        '"lax", "strict" or "none" (SameSite of the cookie), true for "lax", or false',
        "A visitor stays with one instance by a session cookie, as long as it is in rotation",
        "lax",
        _sticky,
    ),
)
