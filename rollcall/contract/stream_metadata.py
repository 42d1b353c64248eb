"""Read the stream that an instance requests: a port of the fronts, and how its connections pass."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from rollcall.contract import route_metadata
from rollcall.contract.policies import streams
from rollcall.contract.policies.streams import TCP, TLS, UDP
from rollcall.contract.policies.table import Policies

Transport = Literal["tcp", "udp"]

MAX_PORT = 65535
# As many names as fit into one value of Consul's Meta.
MAX_NAMES = 64


@dataclass(frozen=True, order=True)
class Place:
    """A port of the fronts; `name` is the one that TLS clients ask for there, "" for all connections."""

    port: int
    transport: Transport = "tcp"
    name: str = ""

    def __str__(self) -> str:
        """Write it as in problems and on the page."""
        return f"port {self.port}/{self.transport}{f' for {self.name}' if self.name else ''}"


@dataclass(frozen=True)
class StreamMetadata:
    """What an instance requests: its places, and the policies of each. `foreign` are of the other transport."""

    places: tuple[Place, ...]
    policies: Policies = ()
    foreign: tuple[Place, ...] = ()


def requests(meta: Mapping[str, str]) -> bool:
    """Whether an instance requests a stream, in whatever form."""
    return any(meta.get(key) for key in (TCP, UDP, TLS))


def read(meta: Mapping[str, str], *, udp: bool) -> StreamMetadata | None:
    """Return the stream that an instance requests; None if it requests none.

    Metadata without a port number is every port's, so what asks for the other transport is only `foreign`.

    Raises:
        ValueError: key, value and the expected form; nothing is opened for a value that is not understood.
    """
    if not requests(meta):
        return None
    by_udp = (_place(UDP, meta[UDP]),) if meta.get(UDP) else ()
    by_tcp = ((_place(TCP, meta[TCP]),) if meta.get(TCP) else ()) + (_named(meta[TLS]) if meta.get(TLS) else ())
    places, foreign = (by_udp, by_tcp) if udp else (by_tcp, by_udp)
    policies = streams.read(meta, route_metadata.OTHERS) if places else ()
    for place in places:
        check(place, policies)
    return StreamMetadata(places, policies, foreign)


def check(place: Place, policies: Policies) -> None:
    """Check that a place can have these policies.

    Raises:
        ValueError: it cannot.
    """
    keys = dict(policies)
    if place.transport == "udp" and "proxy_protocol" in keys:
        raise ValueError("virtual_proxy_protocol: got it for UDP; expected it for TCP alone")
    if place.name and "max_connections" in keys:
        raise ValueError("virtual_max_connections: got it for a name of TLS; expected it for a whole port")


def _place(key: str, text: str) -> Place:
    return Place(_port(key, text.strip(), 'a port such as "5432"', text), "udp" if key == UDP else "tcp")


def _named(text: str) -> tuple[Place, ...]:
    form = 'names with a port such as "mail.example.com:8443"'
    words = text.replace(",", " ").split()
    if not 1 <= len(words) <= MAX_NAMES:
        raise ValueError(f"{TLS}: got {route_metadata.shown(text)}; expected {form}")
    found: dict[Place, None] = {}
    for word in words:
        name, _, port = word.rpartition(":")
        try:
            place = Place(_port(TLS, port, form, word), "tcp", route_metadata.host(name))
        except ValueError:
            raise ValueError(f"{TLS}: got {route_metadata.shown(word)}; expected {form}") from None
        found[place] = None
    return tuple(found)


def _port(key: str, text: str, form: str, whole: str) -> int:
    if not re.fullmatch(r"[0-9]{1,5}", text, re.ASCII) or not 1 <= int(text) <= MAX_PORT:
        raise ValueError(f"{key}: got {route_metadata.shown(whole)}; expected {form}")
    return int(text)
