"""What nginx serves, as data: sites with locations, and upstreams with servers."""

from dataclasses import dataclass
from typing import Literal

from rollcall.contract.policies.table import Policies
from rollcall.contract.route_metadata import Protocol
from rollcall.contract.stream_metadata import Place
from rollcall.front.inputs.catalog import Instance

Source = Literal["default", "declared", "metadata"]


@dataclass(frozen=True)
class Server:
    """One line of an upstream."""

    instance: Instance
    weight: int


@dataclass(frozen=True)
class Upstream:
    """Instances that share the requests of one or more locations; without servers the response is a 502.

    `exact`: a canary sets the weights, so they are a promise and not an estimate of capacity.
    `sticky`: SameSite of the cookie that keeps a visitor with one instance, "" for none.
    """

    name: str
    servers: tuple[Server, ...]
    services: tuple[str, ...]
    exact: bool = False
    sticky: str = ""


@dataclass(frozen=True)
class Location:
    """A path prefix of a site. `maintenance` is None, or the text of its maintenance page.

    `upstream` is empty for a maintenance page without a service, and for a redirect to the host `redirect_to`.
    `closed`: nobody gets in. `sign_in` is the upstream of the service that decides who gets in.
    """

    path: str
    upstream: str
    protocol: Protocol = "http"
    strip: bool = False
    buffering: bool = True
    maintenance: str | None = None
    source: Source = "metadata"
    policies: Policies = ()
    closed: bool = False
    redirect_to: str = ""
    sign_in: str = ""


@dataclass(frozen=True)
class Site:
    """One host name with its locations, the longest path first; "" is the default site."""

    host: str
    locations: tuple[Location, ...]


@dataclass(frozen=True)
class Stream:
    """A port, or one name of TLS there, whose connections go to an upstream; without servers they are closed."""

    place: Place
    upstream: str
    source: Source = "metadata"
    policies: Policies = ()


@dataclass(frozen=True)
class Complaint:
    """One requested thing that the front cannot do, in one sentence."""

    kind: Literal["conflict", "metadata", "canary", "maintenance", "stream", "port"]
    text: str


@dataclass(frozen=True)
class Routing:
    """Everything that nginx serves. `server_name` is the default site's, "" without one.

    `upstreams` get the requests of sites, `stream_upstreams` the connections of streams.
    """

    sites: tuple[Site, ...]
    upstreams: tuple[Upstream, ...]
    complaints: tuple[Complaint, ...] = ()
    server_name: str = ""
    streams: tuple[Stream, ...] = ()
    stream_upstreams: tuple[Upstream, ...] = ()

    @property
    def every_upstream(self) -> tuple[Upstream, ...]:
        """The upstreams of sites and of streams."""
        return self.upstreams + self.stream_upstreams

    @property
    def stream_services(self) -> frozenset[str]:
        """The services that get connections of streams."""
        return frozenset(service for upstream in self.stream_upstreams for service in upstream.services)

    @property
    def hosts(self) -> tuple[str, ...]:
        """The host names of the sites, the default site's included if it has one."""
        return tuple(name for site in self.sites if (name := site.host or self.server_name))
