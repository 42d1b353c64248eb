"""Import the ports of a service: those that the program listens on, and one that the host publishes."""

import re
from dataclasses import dataclass
from typing import Any

from rollcall.compose.document import Where
from rollcall.compose.draft import Draft
from rollcall.compose.entries import each, handle
from rollcall.compose.values import UnmappedError, integer, text

# HOST_ADDRESS:HOST_PORTS:PORTS/PROTOCOL, of which only PORTS must be there.
_SHORT = re.compile(
    r"(?:(?:(?P<address>\[[^\]]*\]|[^:]*):)?(?P<published>\d+(?:-\d+)?)?:)?(?P<port>\d+(?:-\d+)?)(?:/(?P<protocol>\w+))?"
)
_MOST = 100
_LOOPBACK = ("127.", "::1", "[::1]", "localhost")


@dataclass(frozen=True)
class Publication:
    """Ports of the program, and the host's port for them; None: the engine chooses, or there is none."""

    ports: tuple[int, ...]
    published: int | None = None
    address: str = ""
    protocol: str = "tcp"


def expose(draft: Draft, where: Where, value: Any) -> None:
    """Import `expose`."""
    for place, item in each(draft, where, value):
        handle(draft, place, item, lambda draft, place, item: _add(draft, place, _short(text(item))))


def publish(draft: Draft, where: Where, value: Any) -> None:
    """Import `ports`."""
    for place, item in each(draft, where, value):
        handle(draft, place, item, _publish)


def _publish(draft: Draft, where: Where, item: Any) -> None:
    found = _long(item) if isinstance(item, dict) else _short(text(item))
    _add(draft, where, found)
    if found.published is None:
        return
    if found.address.startswith(_LOOPBACK):
        draft.notes.add(where, f"not published on {found.address}: the fronts and Consul know the port")
    elif draft.declaration["ports"][0] != found.ports[0] or "public_port" in draft.declaration:
        draft.notes.add(
            where, f"not published at {found.published}: only the first of the ports can have a public_port; routes "
            "lead to the others"
        )  # fmt: skip
    else:
        draft.add(where, ("public_port",), found.published)


def _add(draft: Draft, where: Where, found: Publication) -> None:
    if found.protocol != "tcp":
        raise UnmappedError(f"got a port of {found.protocol}; services have TCP ports")
    present = draft.declaration.get("ports", [])
    if new := [port for port in found.ports if port not in present]:
        draft.add(where, ("ports",), new)
    if not set(found.ports) <= set(draft.declaration.get("ports", [])):
        raise UnmappedError("without its port")


def _short(item: str) -> Publication:
    match = _SHORT.fullmatch(item)
    if not match:
        raise UnmappedError(f"got {item!r}; expected a port such as 8080:80")
    inner, outer = _range(match["port"]), _range(match["published"] or "")
    # A range of the host's ports for one of the program's lets the engine choose.
    published = outer[0] if len(outer) == 1 == len(inner) else None
    if len(outer) == len(inner) > 1:
        raise UnmappedError(f"got {item!r}, a range of published ports; a service has one public_port")
    return Publication(inner, published, match["address"] or "", match["protocol"] or "tcp")


def _long(item: dict[str, Any]) -> Publication:
    published = item.get("published")
    return Publication(
        (integer(item.get("target")),),
        integer(published) if published not in (None, "") else None,
        text(item.get("host_ip", "")),
        text(item.get("protocol", "tcp")),
    )


def _range(ports: str) -> tuple[int, ...]:
    if not ports:
        return ()
    first, _, last = ports.partition("-")
    found = range(int(first), int(last or first) + 1)
    if not 0 < len(found) <= _MOST:
        raise UnmappedError(f"got {ports}; expected at most {_MOST} ports")
    return tuple(found)
