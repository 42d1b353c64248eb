"""What a user may set in group_data and inventories: names, types, defaults, units. Unknown keys are refused.

A field's description says what the setting does; `Expected` says which values it takes. docs/settings.md and
`rollcall settings` are made of both. One flat list, longer than other modules, so that it can be read as one.
"""

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints

from rollcall.config.forms import (
    IPV4_PATTERN,
    PORT_PATTERN,
    DnsLabel,
    DnsName,
    Expected,
    FileSize,
    Image,
    ImageSource,
    Ipv4,
    Network,
    OwnDirectory,
    Period,
    Port,
    Seconds,
    ServiceQuery,
    Size,
    Switch,
)
from rollcall.config.front.dns_hook import DnsHook
from rollcall.config.front.route_policies import with_policies
from rollcall.config.front.stream import Stream, StreamPort, ports_of
from rollcall.config.section import Section
from rollcall.config.service import Service
from rollcall.contract import route_metadata, timeouts
from rollcall.contract.stream_metadata import Transport

_IMAGE = "Image of the container"
_IMAGE_SOURCE = "Where the host gets this image from; without one, image_source decides"
_EXTRA = Expected("a dict of Consul's configuration keys")
_SECTION = Expected("a dict of settings")
_PEM = Expected("the path of a PEM file, absolute or relative to the project")
_PEM_KEY = Expected("the path of a PEM file without a passphrase, absolute or relative to the project")


class Consul(Section):
    """The Consul agent of every host, server or client."""

    image: Image = Field(default="hashicorp/consul:1.22.7", description=_IMAGE)
    image_source: ImageSource | None = Field(default=None, description=_IMAGE_SOURCE)
    datacenter: Annotated[
        str,
        StringConstraints(pattern=r"^[a-z0-9_-]{1,63}$"),
        Expected("at most 63 lower-case letters, digits, dashes and underscores"),
    ] = Field(default="dc1", description="Consul's datacenter; one for the whole fleet")
    domain: DnsName = Field(
        default="consul",
        description="Last part of Consul's names in DNS (NAME.service.consul); one for the whole fleet",
    )
    memory: Annotated[int, Field(ge=128, le=1048576), Expected("an integer of at least 128", "MiB")] = Field(
        default=512, description="Memory limit of the agent's container"
    )
    extra: Annotated[dict[str, Any], _EXTRA] = Field(
        default_factory=dict, description="Consul's own configuration keys, merged over those that Rollcall sets"
    )


class Backups(Section):
    """Snapshots of Consul that its servers themselves make: whichever leads."""

    every: Period = Field(default="1h", description="Time between two snapshots")
    keep: Annotated[int, Field(ge=1, le=10000), Expected("an integer from 1 to 10000")] = Field(
        default=48,
        description="How many snapshots a server keeps; it removes the oldest, and those older than as many "
        "times `every`",
    )
    directory: OwnDirectory = Field(
        default="/var/lib/rollcall/backups",
        description="Where a server keeps its snapshots, on its host; only root and Consul's user can read them",
    )


class ConsulServer(Section):
    """What only Consul servers get."""

    raft_multiplier: Annotated[int, Field(ge=1, le=10), Expected("an integer from 1 (fastest election) to 10")] = Field(
        default=1, description="Consul's raft_multiplier: scales the time until a lost leader is replaced"
    )
    backups: Annotated[Backups, _SECTION] | None = Field(
        default=None, description="Snapshots that the servers make in time; without it, none"
    )
    extra: Annotated[dict[str, Any], _EXTRA] = Field(
        default_factory=dict, description="Consul's own configuration keys, merged over consul.extra on servers"
    )


class Registrator(Section):
    """The registrator of every host."""

    image: Image = Field(default="rollcall/registrator:0.7.0", description=_IMAGE)
    image_source: ImageSource | None = Field(default=None, description=_IMAGE_SOURCE)
    mode: Annotated[
        Literal["auto", "internal", "published"],
        Expected('"internal", "published" or "auto"'),
    ] = Field(
        default="auto",
        description="What to register: every container with a port, at its own address (internal, one host only); only "
        "published ports, at the host's address (published); or internal if the inventory has one host (auto)",
    )
    resync: Annotated[int, Field(ge=0, le=86400), Expected("an integer from 0 (never) to 86400", "seconds")] = Field(
        default=60, description="Time between two full comparisons of containers and agent"
    )
    cleanup: Switch = Field(
        default=True, description="With each resync, deregister services of this host whose container is gone"
    )
    tags: Annotated[tuple[str, ...], Expected("a list of tags, each a string")] = Field(
        default=(), strict=False, description="Tags for every service, appended after the container's own"
    )


class SocketFilter(Section):
    """nginx between the registrator and the engine's socket, on every host."""

    image: Image = Field(default="nginx:1.30", description=_IMAGE)
    image_source: ImageSource | None = Field(default=None, description=_IMAGE_SOURCE)


class DeclaredRoute(Section):
    """A host and path that lead to a service whose containers name no route themselves."""

    service: ServiceQuery = Field(description="Service that receives the requests")
    host: Annotated[
        str,
        AfterValidator(route_metadata.host),
        Expected('a host name such as "shop.example.com", or "*.example.com"'),
    ] = Field(description="Host name of the requests")
    path: Annotated[
        str,
        AfterValidator(route_metadata.path),
        Expected('a path such as "/api", of letters, digits and ._~@:+=,-'),
    ] = Field(default="/", description="Path prefix of the requests")
    strip: Switch = Field(default=False, description="Remove the path before the service sees the request")
    protocol: Annotated[route_metadata.Protocol, Expected('"http", "https", "grpc" or "grpcs"')] = Field(
        default="http", description="Protocol that the service speaks"
    )
    buffering: Switch = Field(default=True, description="Let nginx buffer responses; False for streams of events")


if TYPE_CHECKING:
    Route = DeclaredRoute
else:
    Route = with_policies("Route", DeclaredRoute)


class SiteCertificate(Section):
    """A certificate of the user's own, for the names in it."""

    certificate: Annotated[str, StringConstraints(min_length=1), _PEM] = Field(
        description="The certificate with its chain, on this machine; its names say which sites it is for"
    )
    key: Annotated[str, StringConstraints(min_length=1), _PEM_KEY] = Field(
        description="Its private key, on this machine"
    )


class Binding(Section):
    """An account that the authority knows already (external account binding)."""

    id: Annotated[str, StringConstraints(min_length=1), Expected("the key identifier that the authority gave you")] = (
        Field(description="Key identifier that the authority gave you")
    )
    key: Annotated[
        str, StringConstraints(min_length=1), Expected("the path of a file with the HMAC key in base64url")
    ] = Field(description="File with the HMAC key that the authority gave you, on this machine")


class Acme(Section):
    """Certificates by ACME for the names that the fronts route (docs/https.md)."""

    image: Image = Field(default="rollcall/acme:0.2.0", description=_IMAGE)
    image_source: ImageSource | None = Field(default=None, description=_IMAGE_SOURCE)
    email: Annotated[
        str, StringConstraints(pattern=r"^[^@\s,]+@[^@\s,]+$"), Expected('an address such as "ops@example.com"')
    ] = Field(description="Address that the authority writes to")
    # Any container can claim a host name, so nothing is ordered unless the user lists it.
    names: Annotated[
        tuple[
            Annotated[
                str,
                StringConstraints(pattern=r"^(\*\.)?([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]*[a-z0-9])?$"),
            ],
            ...,
        ],
        Field(min_length=1),
        Expected('a list of lower-case names such as "shop.example.com" or "*.example.com" (any one label)'),
    ] = Field(strict=False, description="Names that may get a certificate, once a route has them; no others")
    directory: Annotated[str, StringConstraints(pattern=r"^https://\S+$"), Expected("an https:// address")] = Field(
        default="https://acme-v02.api.letsencrypt.org/directory",
        description="The authority's directory; by default Let's Encrypt's",
    )
    staging: Switch = Field(
        default=False, description="Use Let's Encrypt's staging directory, whose certificates no browser trusts"
    )
    profile: Annotated[
        str, StringConstraints(pattern=r"^[A-Za-z0-9._-]*$"), Expected('a profile such as "shortlived", or ""')
    ] = Field(default="", description="The authority's profile for orders")
    eab: Annotated[Binding | None, Expected('a dict such as {"id": "…", "key": "eab.key"}')] = Field(
        default=None, description="External account binding, for authorities that require it"
    )
    dns: Annotated[DnsHook | None, Expected('a dict such as {"hook": "dns-hook"}')] = Field(
        default=None, description="Prove names by a record in DNS (DNS-01) instead of at port 80; wildcards need it"
    )
    authority: Annotated[str | None, _PEM] = Field(
        default=None, description="CA file for the directory's own TLS, on this machine; by default the public ones"
    )


class Front(Section):
    """nginx and consul-template on the hosts of the group `fronts`."""

    image: Image = Field(default="rollcall/front:0.8.0", description=_IMAGE)
    image_source: ImageSource | None = Field(default=None, description=_IMAGE_SOURCE)
    server_name: Annotated[
        str,
        StringConstraints(pattern=r"^([A-Za-z0-9*]([A-Za-z0-9.*-]*[A-Za-z0-9])?)?$"),
        Expected('a host name such as "www.example.com", or "" for any name'),
    ] = Field(default="", description="Host name of the default site")
    address: Annotated[
        str,
        StringConstraints(pattern=rf"^({IPV4_PATTERN})?$"),
        Expected('an IPv4 address of the host, or "" for all of them'),
    ] = Field(default="", description="Address that nginx listens on")
    virtual_address: Annotated[
        str,
        StringConstraints(pattern=rf"^({IPV4_PATTERN}/([1-9]|[12][0-9]|3[0-2]))?$"),
        Expected('an IPv4 address with the prefix length of its network, such as "10.0.0.100/24", or "" for none'),
    ] = Field(default="", description="Address that the fronts share: one that serves has it (docs/two-fronts.md)")
    virtual_interface: Annotated[
        str,
        StringConstraints(pattern=r"^([A-Za-z0-9][A-Za-z0-9._-]{0,14})?$"),
        Expected('the name of a network interface, or "" for the one that has the host\'s address'),
    ] = Field(default="", description="Interface that gets the virtual address")
    # RFC 5798, 5.2.3; 51 is what keepalived's documentation takes.
    virtual_router: Annotated[
        int,
        Field(ge=1, le=255),
        Expected("an integer from 1 to 255 that no other group of VRRP routers on this network has"),
    ] = Field(default=51, description="VRRP router id of the fronts")
    http_port: Port = Field(default=80, description="Port for plain HTTP")
    https_port: Port = Field(default=443, description="Port for HTTPS")
    certificate: Annotated[str | None, _PEM] = Field(
        default=None,
        description="Certificate of the default site, on this machine; by default, the fleet's own authority signs one",
    )
    certificate_key: Annotated[str | None, _PEM_KEY] = Field(
        default=None, description="Private key of front.certificate, on this machine"
    )
    certificates: Annotated[
        tuple[SiteCertificate, ...],
        Expected('a list of dicts such as {"certificate": "certificates/shop.crt", "key": "certificates/shop.key"}'),
    ] = Field(default=(), strict=False, description="Certificates of other sites, each for the names in it")
    acme: Annotated[
        Acme | None, Expected('a dict such as {"email": "ops@example.com", "names": ["*.example.com"]}')
    ] = Field(default=None, description="Certificates by ACME for routed names (docs/https.md)")
    redirect: Annotated[
        bool | Port, Expected("False, True (to https_port), or the port by which visitors reach https_port")
    ] = Field(default=False, description="Redirect plain HTTP to HTTPS")
    trusted_proxies: Annotated[
        tuple[Network, ...],
        Expected('a list of networks such as ["10.0.0.0/8", "2001:db8::7"]; [] for none'),
    ] = Field(
        default=(),
        strict=False,
        description="Load balancers before the front, which alone may say who the client is, and whether it came by "
        "HTTPS (docs/policies.md)",
    )
    proxy_protocol: Switch = Field(
        default=False,
        description="Expect the PROXY protocol, version 1 or 2, on both ports; front.trusted_proxies are believed",
    )
    users: Annotated[tuple[DnsLabel, ...], Expected('a list of names such as ["staff"], each a DNS label')] = Field(
        default=(),
        strict=False,
        description="Lists of users that a route's basic_auth may name; docs/policies.md tells where they stand",
    )
    services: Annotated[
        tuple[ServiceQuery, ...], Expected('a list of services, each "name" or "tag.name"; [] for none (a 404)')
    ] = Field(
        default=("http.webserver-80", "nginx-80"),
        strict=False,
        description="Services behind the default site",
    )
    routes: Annotated[
        tuple[Route, ...],
        Expected('a list of dicts such as {"service": "grafana-3000", "host": "grafana.example.com"}'),
    ] = Field(default=(), strict=False, description="Routes for services whose containers name none (docs/routes.md)")
    streams: Annotated[tuple[Stream, ...], Expected('a list of dicts such as {"port": 5432, "service": "db-5432"}')] = (
        Field(
            default=(),
            strict=False,
            description="Ports of the fronts that lead to services by TCP or UDP (docs/streams.md)",
        )
    )
    stream_ports: Annotated[
        tuple[StreamPort, ...], Expected('a list of ports such as [5432, "53/udp", "9000-9009"]; [] for none')
    ] = Field(
        default=(),
        strict=False,
        description="Ports of the fronts that any container may claim by its metadata, by TCP unless they end in /udp",
    )
    max_fails: Annotated[int, Field(ge=0, le=1000), Expected("an integer from 0 (never) to 1000")] = Field(
        default=3, description="Failed requests after which nginx leaves an instance out for fail_timeout"
    )
    fail_timeout: Seconds = Field(default=60, description="How long nginx leaves a failed instance out")
    weight: Annotated[int, Field(ge=1, le=1000), Expected("an integer from 1 to 1000")] = Field(
        default=1, description="Weight of an instance whose container names none (SERVICE_WEIGHT)"
    )
    # A WebSocket or a download that began before a change lives as long.
    shutdown_timeout: Annotated[int, Field(ge=11, le=86400), Expected("an integer from 11 to 86400", "seconds")] = (
        Field(default=3600, description="How long old nginx workers serve connections that are older than a change")
    )
    old_generations: Annotated[int, Field(ge=1, le=100), Expected("an integer from 1 to 100")] = Field(
        default=20, description="How many changes keep their old nginx workers at the same time"
    )
    keep_lost: Annotated[int, Field(ge=0, le=3600), Expected("an integer from 0 (not at all) to 3600", "seconds")] = (
        Field(default=180, description="How long to keep serving instances that disappear from Consul in bulk")
    )
    status: Annotated[
        str,
        StringConstraints(pattern=rf"^({IPV4_PATTERN}:{PORT_PATTERN}|off)$"),
        Expected('an IPv4 address and port such as "127.0.0.1:8511", or "off"'),
    ] = Field(default="127.0.0.1:8511", description="Where the front serves its status page, JSON and metrics")
    stop_timeout: Seconds = Field(
        default=30, description="How long connections have to finish when the front itself stops"
    )
    # 100 MB: what people upload through a browser fits, and a disk is not filled by one request.
    max_body_size: Size = Field(default="100m", description="Largest request body; a larger one gets a 413")
    max_header_size: Annotated[int, Field(ge=1, le=1024), Expected("an integer from 1 to 1024", "KiB")] = Field(
        default=8, description="Longest line of a request's header; large cookies need more"
    )
    # 16 KB: nginx's own 4 KB are less than the cookies of a sign-in by OpenID Connect.
    max_response_header_size: Annotated[int, Field(ge=4, le=256), Expected("an integer from 4 to 256", "KiB")] = Field(
        default=16, description="Largest header of a response, with all of its cookies; a larger one gets a 502"
    )
    access_log: Annotated[
        Literal["json", "short", "file", "off"],
        Expected('"json", "short" (one line of text), "file" (JSON, to a file of the host) or "off"'),
    ] = Field(
        default="json",
        description="What the front's own output, or a file, has of each request; counts and the page need none",
    )
    access_log_size: FileSize = Field(
        default="100m", description="Size at which a file of the access log is put away for a new one"
    )
    access_log_keep: Annotated[int, Field(ge=1, le=1000), Expected("an integer from 1 to 1000")] = Field(
        default=4, description="How many files of the access log are kept beside the one that nginx writes"
    )
    gzip: Switch = Field(default=True, description="Compress text for clients that accept it")
    client_header_timeout: Seconds = Field(default=10, description="How long a client may take to send its header")
    client_body_timeout: Seconds = Field(default=30, description="Longest pause between two pieces of a request's body")
    send_timeout: Seconds = Field(default=60, description="Longest pause of a client that receives a response")
    # A poll that waits for a minute comes through.
    proxy_read_timeout: Seconds = Field(default=75, description="Longest pause of a service that sends a response")

    @property
    def metadata_ports(self) -> frozenset[tuple[int, Transport]]:
        """The ports that metadata may open."""
        return frozenset(port for text in self.stream_ports for port in ports_of(text))

    @property
    def has_streams(self) -> bool:
        """Whether the front may serve TCP or UDP itself."""
        return bool(self.streams or self.stream_ports)


class Keepalived(Section):
    """VRRP between the fronts, where they share one address (front.virtual_address)."""

    image: Image = Field(default="rollcall/keepalived:0.1.0", description=_IMAGE)
    image_source: ImageSource | None = Field(default=None, description=_IMAGE_SOURCE)


class Template(Section):
    """A file of a service of the user's own that follows the catalog (docs/own-templates.md)."""

    name: Annotated[DnsLabel, Expected('a DNS label such as "haproxy", one for each template')] = Field(
        description="Name of the template"
    )
    source: Annotated[
        str,
        StringConstraints(min_length=1),
        Expected("the path of a template for consul-template, absolute or relative to the project"),
    ] = Field(description="The template, on this machine")
    # A directory of its own, since that is mounted; no part begins with a dot, so none is "..".
    destination: Annotated[
        str,
        StringConstraints(pattern=r"^(/[A-Za-z0-9_+@-][A-Za-z0-9_.+@-]*){2,}$"),
        Expected('the absolute path of a file in a directory of its service, such as "/etc/haproxy/haproxy.cfg"'),
    ] = Field(description="The file on the host")
    check: Annotated[
        str,
        StringConstraints(pattern=r"\{candidate\}"),
        Expected("a shell command that fails for a broken file, with {candidate} in the place of its path"),
    ] = Field(description="Command that checks a rendered file before it replaces the old one")
    reload: Annotated[str, Expected('a shell command, or "" for a service that notices the file itself')] = Field(
        default="", description="Command that makes the service read the new file"
    )
    container: Annotated[
        str,
        StringConstraints(pattern=r"^([a-zA-Z0-9][a-zA-Z0-9_.-]+)?$"),
        Expected('the name of a container, or "" for the one that renders the templates'),
    ] = Field(default="", description="Container that check and reload run in")
    owner: Annotated[
        str, StringConstraints(pattern=r"^[0-9]{1,9}:[0-9]{1,9}$"), Expected('a numeric uid:gid such as "0:0"')
    ] = Field(default="0:0", description="Owner of the file")
    mode: Annotated[str, StringConstraints(pattern=r"^0[0-7]{3}$"), Expected('an octal mode such as "0644"')] = Field(
        default="0644", description="Mode of the file"
    )
    keep: Annotated[float, Field(ge=0, le=1), Expected("a number from 0 (all may go) to 1")] = Field(
        default=0.01, description="Fraction of the file's addresses that one rendering must keep"
    )


class TemplateSync(Section):
    """The container that renders files of services of the user's own, on hosts that have templates."""

    image: Image = Field(default="rollcall/templates:0.2.0", description=_IMAGE)
    image_source: ImageSource | None = Field(default=None, description=_IMAGE_SOURCE)
    templates: Annotated[
        tuple[Template, ...], Expected('a list of dicts such as {"name": "haproxy", "source": "haproxy.ctmpl", …}')
    ] = Field(default=(), strict=False, description="Files of services of your own (docs/own-templates.md)")
    keys: Annotated[
        tuple[Annotated[str, StringConstraints(pattern=r'^[^"\\\s]+$')], ...],
        Expected('a list of prefixes of keys in Consul, such as "haproxy/"'),
    ] = Field(default=(), strict=False, description="Keys in Consul that the templates may read")


class Dns(Section):
    """Consul's names in the resolver of the host and of its containers."""

    enabled: Switch = Field(default=True, description="Make the host's resolver answer for Consul's domain")
    image: Image = Field(default="rollcall/dns:0.1.0", description=_IMAGE)
    image_source: ImageSource | None = Field(default=None, description=_IMAGE_SOURCE)


class Scheduler(Section):
    """The container that runs jobs at their times, on hosts that have jobs (docs/jobs.md)."""

    image: Image = Field(default="rollcall/scheduler:0.2.0", description=_IMAGE)
    image_source: ImageSource | None = Field(default=None, description=_IMAGE_SOURCE)


class Settings(Section):
    """Everything that may be set for one host."""

    address: Ipv4 | None = Field(
        default=None, description="Address by which the other hosts reach this one; without one, its SSH address"
    )
    node: DnsLabel | None = Field(
        default=None,
        description="Name of the host in Consul; without one, its name in the inventory with dashes for dots",
    )
    image_source: ImageSource | None = Field(
        default=None,
        description="Where hosts get images from; without one, rollcall/… is pushed, all else pulled",
    )
    registry: Annotated[
        str,
        StringConstraints(
            pattern=r"^([a-z0-9]([a-z0-9._-]*[a-z0-9])?(:[0-9]{1,5})?(/[a-z0-9]([a-z0-9._-]*[a-z0-9])?)*)?$"
        ),
        Expected('a registry and a path in it, such as "registry.example.com/ops"'),
    ] = Field(
        default="",
        description="Registry that the hosts pull rollcall/… images from; `rollcall images push` fills it",
    )
    timeout_factor: Annotated[
        int,
        Field(ge=1, le=timeouts.LARGEST),
        Expected(f"an integer from 1 to {timeouts.LARGEST}"),
    ] = Field(
        default=1,
        description="Stretches every deadline of Rollcall on an emulated or very busy host: of its containers, of a "
        "deploy, of verify, and of the other commands, which take the largest of the fleet",
    )
    chaos: Switch = Field(
        default=False,
        description="Let `rollcall chaos` break this fleet on purpose; one for the whole fleet (docs/chaos.md)",
    )
    consul: Annotated[Consul, _SECTION] = Field(default_factory=Consul)
    consul_server: Annotated[ConsulServer, _SECTION] = Field(default_factory=ConsulServer)
    registrator: Annotated[Registrator, _SECTION] = Field(default_factory=Registrator)
    socket_filter: Annotated[SocketFilter, _SECTION] = Field(default_factory=SocketFilter)
    services: Annotated[
        tuple[Service, ...], Expected('a list of dicts such as {"name": "shop", "image": "shop:1.4"}')
    ] = Field(default=(), strict=False, description="Services of your own; lists of several groups add up")
    scheduler: Annotated[Scheduler, _SECTION] = Field(default_factory=Scheduler)
    front: Annotated[Front, _SECTION] = Field(default_factory=Front)
    keepalived: Annotated[Keepalived, _SECTION] = Field(default_factory=Keepalived)
    dns: Annotated[Dns, _SECTION] = Field(default_factory=Dns)
    template_sync: Annotated[TemplateSync, _SECTION] = Field(default_factory=TemplateSync)

    @property
    def jobs(self) -> tuple[Service, ...]:
        """The services that have a schedule."""
        return tuple(service for service in self.services if service.schedule)
