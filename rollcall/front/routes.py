"""From the catalog and the settings to what nginx shall do: which host and path leads to which instances."""

from dataclasses import dataclass
from typing import Literal

from rollcall.front.catalog import Instance

Protocol = Literal["http", "https", "grpc", "grpcs"]
Source = Literal["default", "declared", "metadata"]


@dataclass(frozen=True)
class Server:
    """One line of an upstream."""

    instance: Instance
    weight: int


@dataclass(frozen=True)
class Upstream:
    """Instances that share the requests of one or more locations; empty is answered with a 502."""

    name: str
    servers: tuple[Server, ...]
    services: tuple[str, ...]


@dataclass(frozen=True)
class Location:
    """A path prefix of a site. `maintenance` is None, or the sentence that visitors read instead."""

    path: str
    upstream: str
    protocol: Protocol = "http"
    strip: bool = False
    buffering: bool = True
    maintenance: str | None = None
    source: Source = "metadata"


@dataclass(frozen=True)
class Site:
    """One host name with its locations, the longest path first; "" is whoever asks for none of the others."""

    host: str
    locations: tuple[Location, ...]


@dataclass(frozen=True)
class Complaint:
    """What could not be done as somebody asked, in one sentence; everything else was."""

    kind: Literal["conflict", "metadata", "canary", "maintenance"]
    text: str


@dataclass(frozen=True)
class Routing:
    """All that nginx serves."""

    sites: tuple[Site, ...]
    upstreams: tuple[Upstream, ...]
    complaints: tuple[Complaint, ...] = ()
