"""The settings that the front's program itself needs, as a deploy writes them (front.json)."""

import json
from dataclasses import dataclass
from typing import Any, NamedTuple

from rollcall.contract.policies import streams, table
from rollcall.contract.policies.table import Policies
from rollcall.contract.route_metadata import Protocol
from rollcall.contract.stream_metadata import Place, Transport


class Listen(NamedTuple):
    """Where to listen; the address is "" for all of IPv4."""

    address: str
    port: int
    transport: Transport = "tcp"


@dataclass(frozen=True)
class DeclaredRoute:
    """A route from group_data, for a service without its own; `service` is "name" or "tag.name"."""

    service: str
    host: str
    path: str
    strip: bool
    protocol: Protocol
    buffering: bool
    policies: Policies


@dataclass(frozen=True)
class DeclaredStream:
    """A stream from group_data; `service` is "name" or "tag.name"."""

    service: str
    places: tuple[Place, ...]
    policies: Policies


@dataclass(frozen=True)
class CertificateFile:
    """A certificate of the user's own: its files below the configuration, and the user's path of it."""

    certificate: str
    key: str
    own: str
    names: tuple[str, ...]
    issuer: str
    end: str


@dataclass(frozen=True)
class AccessLog:
    """How large the file of the access log gets, in bytes, and how many such files are kept beside it."""

    size: int
    keep: int


@dataclass(frozen=True)
class Settings:
    """The settings; times are seconds, `listens` are those of HTTP.

    `fleet` is the inventory's name. `redirect` is False, True or the public HTTPS port.
    `proxied`: a load balancer is before the front and may end TLS. `read_timeout` is how long an
    instance may be silent. `certificate_end` is when the served certificate ends (ISO 8601), `certificate_file` the
    user's file that it comes from, "" for the fleet's authority. `certificates` are the sites' own; with `acme` the
    ACME program beside the front has more. `users` are the lists of users that routes may name. `stream_ports` are the
    ports that containers' metadata may open, in addition to those of `streams`.
    `access_log` is about its file, None without one.
    `backups_every` are the seconds between two backups of Consul, 0 for none.
    `status` is "address:port", or "off". `consul` is the address:port of this host's own agent. The others
    and all defaults are in rollcall/config/settings.py.
    """

    fleet: str
    node: str
    listens: tuple[Listen, ...]
    services: tuple[str, ...]
    server_name: str
    http_port: int
    https_port: int
    address: str
    redirect: bool | int
    proxied: bool
    proxy_protocol: bool
    certificate_end: str
    certificate_file: str
    certificates: tuple[CertificateFile, ...]
    acme: bool
    routes: tuple[DeclaredRoute, ...]
    streams: tuple[DeclaredStream, ...]
    stream_ports: frozenset[tuple[int, Transport]]
    users: tuple[str, ...]
    max_fails: int
    fail_timeout: int
    weight: int
    read_timeout: int
    shutdown_timeout: int
    stop_timeout: int
    old_generations: int
    keep_lost: int
    access_log: AccessLog | None
    backups_every: int
    status: str
    consul: str


def read(text: str) -> Settings:
    """Read front.json. The deploy has checked the values; here they only get their types.

    Raises:
        ValueError: it is not a front.json of this version.
    """
    try:
        document: dict[str, Any] = json.loads(text)
        document["listens"] = tuple(Listen(address, port) for address, port in document["listens"])
        document["services"] = tuple(document["services"])
        document["certificates"] = tuple(
            CertificateFile(**{**file, "names": tuple(file["names"])}) for file in document["certificates"]
        )
        document["users"] = tuple(document["users"])
        document["routes"] = tuple(
            DeclaredRoute(**route | {"policies": table.ordered(route["policies"])}) for route in document["routes"]
        )
        document["streams"] = tuple(
            DeclaredStream(
                stream["service"],
                tuple(Place(*place) for place in stream["places"]),
                table.ordered(stream["policies"], streams.POLICIES),
            )
            for stream in document["streams"]
        )
        document["access_log"] = AccessLog(**document["access_log"]) if document["access_log"] else None
        document["stream_ports"] = frozenset((port, transport) for port, transport in document["stream_ports"])
        return Settings(**document)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"invalid front.json: {error}; deploy with the version of this image") from error
