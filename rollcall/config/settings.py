"""What a user may set in group_data and inventories: names, types, defaults, units. Unknown keys are refused.

Every field's description is the second half of an error sentence ("… ; right is DESCRIPTION"), so it says
what is allowed, not what the field is good for; that stands in group_data/*.py beside the value.
"""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from rollcall.contract import route_metadata

_OCTET = r"(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_IPV4 = rf"{_OCTET}(\.{_OCTET}){{3}}"
_PORT = r"([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
Image = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9._/:@-]*[a-z0-9])?$", max_length=255)]
ImageSource = Literal["pull", "push"]
Port = Annotated[int, Field(ge=1, le=65535)]
# RFC 1123 labels, because these become parts of DNS names.
DnsLabel = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
DnsName = Annotated[
    str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$")
]
# consul-template's query: an optional tag, a dot, a service name. A dot inside the name would break it.
ServiceQuery = Annotated[str, StringConstraints(pattern=r"^([A-Za-z0-9_-]+\.)?[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?$")]
Seconds = Annotated[int, Field(ge=1, le=3600)]
# As nginx writes them; 0 is its word for any size.
Size = Annotated[str, StringConstraints(pattern=r"^(0|[1-9][0-9]{0,5}[kmg])$")]
Duration = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]*(ms|s|m)$")]

_IMAGE = 'an image name such as "nginx:1.30"'
_IMAGE_SOURCE = '"pull" (the host\'s engine pulls it) or "push" (this machine sends it over SSH)'


class Section(BaseModel):
    """A group of settings; frozen, and strict so that "80" is not silently a port."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Consul(Section):
    """The Consul agent that runs on every host, server or client."""

    image: Image = Field(default="hashicorp/consul:1.22.7", description=_IMAGE)
    image_source: ImageSource | None = Field(default=None, description=_IMAGE_SOURCE)
    datacenter: Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]{1,63}$")] = Field(
        default="dc1", description="lower-case letters, digits, - and _"
    )
    domain: DnsName = Field(default="consul", description='a DNS name without dots at its ends, such as "consul"')
    memory: Annotated[int, Field(ge=128, le=1048576)] = Field(
        default=512, description="the most memory the agent may take, in MiB, at least 128"
    )
    extra: dict[str, Any] = Field(
        default_factory=dict, description="a dict of Consul's own configuration keys, merged over ours"
    )


class ConsulServer(Section):
    """What only Consul servers get."""

    raft_multiplier: Annotated[int, Field(ge=1, le=10)] = Field(
        default=1, description="a whole number from 1 (fastest election) to 10"
    )
    extra: dict[str, Any] = Field(
        default_factory=dict,
        description="a dict of Consul's own configuration keys, merged over consul.extra",
    )


class Registrator(Section):
    """The registrator that runs on every host."""

    image: Image = Field(default="rollcall/registrator:0.1.0", description=_IMAGE)
    image_source: ImageSource | None = Field(default=None, description=_IMAGE_SOURCE)
    mode: Literal["auto", "internal", "published"] = Field(
        default="auto",
        description='"internal" (container addresses, one host), "published" (host address and mapped ports) '
        'or "auto" (internal if the inventory has one host)',
    )
    resync: Annotated[int, Field(ge=0, le=86400)] = Field(
        default=60, description="seconds between two full comparisons, 0 = never, at most 86400"
    )
    cleanup: bool = Field(default=True, description="True or False")
    tags: tuple[str, ...] = Field(default=(), strict=False, description="a list of tags, each a string")


class SocketFilter(Section):
    """nginx between the registrator and the engine's socket, on every host."""

    image: Image = Field(default="nginx:1.30", description=_IMAGE)
    image_source: ImageSource | None = Field(default=None, description=_IMAGE_SOURCE)


class Backend(Section):
    """One kind of sample web container; every host of the group `backends` runs `count` of them."""

    name: DnsLabel = Field(description='a DNS label such as "webserver"; it becomes the service name')
    count: Annotated[int, Field(ge=0, le=50)] = Field(default=1, description="a whole number from 0 to 50")
    image: Image = Field(default="nginx:1.30", description=_IMAGE)
    image_source: ImageSource | None = Field(default=None, description=_IMAGE_SOURCE)
    check_interval: Duration = Field(default="5s", description='a time with its unit, such as "5s"')


class Route(Section):
    """A host and path that lead to a service which says nothing of them itself."""

    service: ServiceQuery = Field(description='a service, "name" or "tag.name"')
    host: Annotated[str, AfterValidator(route_metadata.host)] = Field(
        description='a host name such as "shop.example.com", or "*.example.com"'
    )
    path: Annotated[str, AfterValidator(route_metadata.path)] = Field(
        default="/", description='a path such as "/api", of letters, digits and ._~@:+=,-'
    )
    strip: bool = Field(default=False, description="True (the path is removed before the service sees it) or False")
    protocol: route_metadata.Protocol = Field(default="http", description='"http", "https", "grpc" or "grpcs"')
    buffering: bool = Field(default=True, description="True or False (for streams of events)")


class Front(Section):
    """nginx and consul-template on the hosts of the group `fronts`."""

    image: Image = Field(default="rollcall/front:0.2.0", description=_IMAGE)
    image_source: ImageSource | None = Field(default=None, description=_IMAGE_SOURCE)
    server_name: Annotated[str, StringConstraints(pattern=r"^([A-Za-z0-9*]([A-Za-z0-9.*-]*[A-Za-z0-9])?)?$")] = Field(
        default="",
        description='a host name such as "www.example.com", or empty: then the default site answers for any name',
    )
    address: Annotated[str, StringConstraints(pattern=rf"^({_IPV4})?$")] = Field(
        default="", description="an IPv4 address of the host, or empty for all of them"
    )
    virtual_address: Annotated[str, StringConstraints(pattern=rf"^({_IPV4}/([1-9]|[12][0-9]|3[0-2]))?$")] = Field(
        default="",
        description='an IPv4 address with the prefix of its network, such as "10.0.0.100/24", or empty for none',
    )
    virtual_interface: Annotated[str, StringConstraints(pattern=r"^([A-Za-z0-9][A-Za-z0-9._-]{0,14})?$")] = Field(
        default="", description="the name of a network interface, or empty for the one that has the host's address"
    )
    # RFC 5798, 5.2.3; 51 is what keepalived's documentation takes.
    virtual_router: Annotated[int, Field(ge=1, le=255)] = Field(
        default=51, description="a whole number from 1 to 255 that no other group of VRRP routers on this network has"
    )
    http_port: Port = Field(default=80, description="a port from 1 to 65535")
    https_port: Port = Field(default=443, description="a port from 1 to 65535")
    certificate: str | None = Field(
        default=None, description="the path of a PEM file on this machine, or left out for one of the fleet's own"
    )
    certificate_key: str | None = Field(
        default=None, description="the path of the certificate's private key, PEM without a passphrase"
    )
    redirect: bool | Port = Field(
        default=False,
        description="False, True (plain HTTP is sent on to https_port), or the port that visitors know https_port by",
    )
    services: tuple[ServiceQuery, ...] = Field(
        default=("http.webserver-80", "nginx-80"),
        strict=False,
        min_length=1,
        description='a list of at least one service, each "name" or "tag.name"',
    )
    routes: tuple[Route, ...] = Field(
        default=(),
        strict=False,
        description='a list of dicts such as {"service": "grafana-3000", "host": "grafana.example.com"}',
    )
    max_fails: Annotated[int, Field(ge=0, le=1000)] = Field(
        default=3, description="a whole number from 0 (never give an instance up) to 1000"
    )
    fail_timeout: Seconds = Field(default=60, description="seconds, from 1 to 3600")
    weight: Annotated[int, Field(ge=1, le=1000)] = Field(default=1, description="a whole number from 1 to 1000")
    # A WebSocket or a download that began before a change lives as long.
    shutdown_timeout: Annotated[int, Field(ge=11, le=86400)] = Field(
        default=3600, description="seconds an old nginx worker may still serve, from 11 to 86400"
    )
    old_generations: Annotated[int, Field(ge=1, le=100)] = Field(
        default=20, description="how many sets of old nginx workers may still serve, from 1 to 100"
    )
    keep_lost: Annotated[int, Field(ge=0, le=3600)] = Field(
        default=180, description="seconds, 0 (what Consul loses is lost at once) to 3600"
    )
    status: Annotated[str, StringConstraints(pattern=rf"^({_IPV4}:{_PORT}|off)$")] = Field(
        default="127.0.0.1:8511", description='an IPv4 address and port such as "127.0.0.1:8511", or "off"'
    )
    stop_timeout: Seconds = Field(default=30, description="seconds, from 1 to 3600")
    # 100 MB: what people upload through a browser fits, and a disk is not filled by one request.
    max_body_size: Size = Field(default="100m", description='a size such as "100m" (k, m or g), or "0" for any size')
    max_header_size: Annotated[int, Field(ge=1, le=1024)] = Field(default=8, description="KiB, from 1 to 1024")
    client_header_timeout: Seconds = Field(default=10, description="seconds, from 1 to 3600")
    client_body_timeout: Seconds = Field(default=30, description="seconds, from 1 to 3600")
    send_timeout: Seconds = Field(default=60, description="seconds, from 1 to 3600")
    # A poll that waits for a minute comes through.
    proxy_read_timeout: Seconds = Field(default=75, description="seconds, from 1 to 3600")


class Keepalived(Section):
    """VRRP between the fronts, where they have one address in common (front.virtual_address)."""

    image: Image = Field(default="rollcall/keepalived:0.1.0", description=_IMAGE)
    image_source: ImageSource | None = Field(default=None, description=_IMAGE_SOURCE)


class Template(Section):
    """A file of some service that follows the catalog, made from a template of the user's own."""

    name: DnsLabel = Field(description='a DNS label of its own, such as "haproxy"')
    source: Annotated[str, StringConstraints(min_length=1)] = Field(
        description="the path of a template for consul-template on this machine"
    )
    # A directory of its own, since that is mounted; no part begins with a dot, so none is "..".
    destination: Annotated[str, StringConstraints(pattern=r"^(/[A-Za-z0-9_+@-][A-Za-z0-9_.+@-]*){2,}$")] = Field(
        description='the absolute path of a file in a directory of its service, such as "/etc/haproxy/haproxy.cfg"'
    )
    check: Annotated[str, StringConstraints(pattern=r"\{candidate\}")] = Field(
        description="a shell command that fails for a broken file, with {candidate} where its path belongs"
    )
    reload: str = Field(default="", description="a shell command, or empty for a service that notices the file itself")
    container: Annotated[str, StringConstraints(pattern=r"^([a-zA-Z0-9][a-zA-Z0-9_.-]+)?$")] = Field(
        default="", description="the container that check and reload run in, or empty for that of the templates"
    )
    owner: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,9}:[0-9]{1,9}$")] = Field(
        default="0:0", description='the file\'s numeric owner, uid:gid, such as "0:0"'
    )
    mode: Annotated[str, StringConstraints(pattern=r"^0[0-7]{3}$")] = Field(
        default="0644", description='the file\'s mode as chmod takes it, such as "0644"'
    )
    keep: Annotated[float, Field(ge=0, le=1)] = Field(
        default=0.01,
        description="the fraction of the file's addresses that one rendering must keep, from 0 (all may go) to 1",
    )


class Dns(Section):
    """Making the host's own resolver, and its containers', answer for Consul's domain."""

    enabled: bool = Field(default=True, description="True or False")
    image: Image = Field(default="rollcall/dns:0.1.0", description=_IMAGE)
    image_source: ImageSource | None = Field(default=None, description=_IMAGE_SOURCE)


class Settings(Section):
    """Everything that may be set for one host."""

    address: Annotated[str, StringConstraints(pattern=rf"^{_IPV4}$")] | None = Field(
        default=None, description="the IPv4 address other hosts reach this one by"
    )
    image_source: ImageSource | None = Field(default=None, description=_IMAGE_SOURCE)
    consul: Consul = Field(default_factory=Consul, description="a dict of settings")
    consul_server: ConsulServer = Field(default_factory=ConsulServer, description="a dict of settings")
    registrator: Registrator = Field(default_factory=Registrator, description="a dict of settings")
    socket_filter: SocketFilter = Field(default_factory=SocketFilter, description="a dict of settings")
    backends: tuple[Backend, ...] = Field(
        default=(), strict=False, description='a list of dicts such as {"name": "webserver", "count": 2}'
    )
    front: Front = Field(default_factory=Front, description="a dict of settings")
    keepalived: Keepalived = Field(default_factory=Keepalived, description="a dict of settings")
    dns: Dns = Field(default_factory=Dns, description="a dict of settings")
    templates: tuple[Template, ...] = Field(
        default=(),
        strict=False,
        description='a list of dicts such as {"name": "haproxy", "source": "haproxy.ctmpl", …}',
    )
    templates_image: Image = Field(default="rollcall/templates:0.1.0", description=_IMAGE)
    template_keys: tuple[Annotated[str, StringConstraints(pattern=r'^[^"\\\s]+$')], ...] = Field(
        default=(),
        strict=False,
        description='a list of prefixes of Consul\'s keys that templates read, such as "haproxy/"',
    )
