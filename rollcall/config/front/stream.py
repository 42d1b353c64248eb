"""Streams of a front in group data: a port that leads to a service by TCP or UDP."""

import re
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from rollcall.config.forms import Expected, Port, ServiceQuery
from rollcall.config.front import route_policies
from rollcall.config.section import Section
from rollcall.contract import route_metadata
from rollcall.contract.policies import streams
from rollcall.contract.stream_metadata import MAX_PORT, Place, Transport

_PORTS = re.compile(r"([1-9][0-9]{0,4})(?:-([1-9][0-9]{0,4}))?(?:/(tcp|udp))?", re.ASCII)
# Each is a socket that a new container of the front gets from the old one, and the kernel passes 253 at once.
MAX_PORTS = 200


ServerNames = Annotated[
    tuple[Annotated[str, AfterValidator(route_metadata.host)], ...],
    Expected('a list of host names such as ["mail.example.com", "*.example.org"]; [] for all connections'),
]
SERVER_NAMES = "Only TLS connections for these names (SNI), unopened; several streams may share a port then"


class DeclaredStream(Section):
    """A port of the fronts whose connections go to a service."""

    port: Port = Field(description="Port of the fronts")
    service: ServiceQuery = Field(description="Service that gets the connections")
    protocol: Annotated[Transport, Expected('"tcp" or "udp"')] = Field(
        default="tcp", description="TCP connections, or datagrams (UDP)"
    )
    server_names: ServerNames = Field(default=(), strict=False, description=SERVER_NAMES)


class DeclaredServiceStream(Section):
    """A port of the fronts whose connections go to the service that declares it."""

    port: Port = Field(description="Port of the fronts, one of front.stream_ports")
    to: Port | None = Field(default=None, description="Port of the service; without one, its first")
    protocol: Annotated[Literal["tcp"], Expected('"tcp"; the ports of a declared service are TCP')] = Field(
        default="tcp", description="Protocol of the connections"
    )
    server_names: ServerNames = Field(default=(), strict=False, description=SERVER_NAMES)


if TYPE_CHECKING:
    Stream = DeclaredStream
    ServiceStream = DeclaredServiceStream
else:
    Stream = route_policies.with_policies("Stream", DeclaredStream, streams.POLICIES)
    ServiceStream = route_policies.with_policies("ServiceStream", DeclaredServiceStream, streams.POLICIES)


def places(stream: DeclaredStream | DeclaredServiceStream) -> tuple[Place, ...]:
    """Return the places that a stream has."""
    return tuple(Place(stream.port, stream.protocol, name) for name in stream.server_names or ("",))


def policies(stream: DeclaredStream | DeclaredServiceStream) -> dict[str, str]:
    """Return its policies that are set."""
    return route_policies.of(stream, streams.POLICIES)


def ports_of(text: str) -> tuple[tuple[int, Transport], ...]:
    """Return the ports of an item of front.stream_ports, which is valid."""
    found = _PORTS.fullmatch(text)
    if found is None:
        raise ValueError
    first, last = int(found[1]), int(found[2] or found[1])
    transport: Transport = "udp" if found[3] == "udp" else "tcp"
    if not first <= last <= MAX_PORT or last - first >= MAX_PORTS:
        raise ValueError
    return tuple((port, transport) for port in range(first, last + 1))


def _written(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError
    ports_of(str(value))
    return str(value)


StreamPort = Annotated[
    str, BeforeValidator(_written), Expected('a port such as 5432 or "53/udp", or a range such as "9000-9009"')
]
