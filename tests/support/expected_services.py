"""Which services a host's running containers should have in the catalog.

Written from the registrator's contract and not with the registrator's code: what checks it must not share its
mistakes.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# A container as `docker inspect` shows it.
Inspected = Mapping[str, Any]


@dataclass(frozen=True)
class Service:
    """One port of one container as it should stand in the catalog.

    `addresses` are the ones allowed (a container on two networks has two). `tags` is None where only the
    registrator can know them, because they are templates. `hosts` are the names at which it wants to be reached
    through a front.
    """

    id: str
    name: str
    container: str
    addresses: frozenset[str]
    port: int
    tags: frozenset[str] | None
    hosts: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Rules:
    """What a host's registrator goes by: its command line, and the address by which others reach its host.

    `hostname` begins its services' ids; `ip` is the address it was told to give for published ports, if any.
    """

    hostname: str
    address: str
    internal: bool
    explicit: bool
    ip: str | None
    tags: str

    @classmethod
    def of(cls, registrator: Inspected, address: str) -> "Rules":
        """Read them from the registrator's own container, on a host of that address."""
        flags = _flags(registrator.get("Args") or ())
        return cls(
            hostname=str(registrator["Config"].get("Hostname") or ""),
            address=address,
            internal=flags.get("internal", "false") == "true",
            explicit=flags.get("explicit", "false") == "true",
            ip=flags.get("ip") or None,
            tags=flags.get("tags", ""),
        )


# Where Docker listens when no address was given for a published port.
_EVERYWHERE = ("0.0.0.0", "::")
_WITH_VALUE = frozenset(
    {"ip", "tags", "useIpFromLabel", "resync", "deregister", "ttl", "ttl-refresh"}
    | {"retry-attempts", "retry-interval"}
)


def _flags(arguments: Iterable[str]) -> dict[str, str]:
    """Read Go-style flags: -f, -f=value, --f value."""
    flags: dict[str, str] = {}
    rest = iter(arguments)
    for argument in rest:
        if argument.startswith("-"):
            name, equals, value = argument.lstrip("-").partition("=")
            flags[name] = value if equals else (next(rest, "") if name in _WITH_VALUE else "true")
    return flags


def services(containers: Iterable[Inspected], rules: Rules) -> tuple[Service, ...]:
    """Return every service that the running containers should have.

    One that is paused has none, nor one that ended and waits for Docker to start it again.
    """
    return tuple(
        service
        for container in containers
        if container["State"].get("Status") == "running"
        for service in _services_of(container, rules)
    )


def _services_of(container: Inspected, rules: Rules) -> list[Service]:
    metadata = _metadata(container)
    ports = _ports(container, rules)
    kept = [port for port in ports if not _value(metadata, port, "IGNORE")]
    found = []
    for port in kept:
        given = _value(metadata, port, "NAME")
        if rules.explicit and not given:
            continue
        found.append(_service(container, rules, port, len(ports) > 1, metadata))
    return found


@dataclass(frozen=True)
class _Port:
    number: int
    protocol: str
    addresses: frozenset[str]
    outside: int


def _service(container: Inspected, rules: Rules, port: _Port, several: bool, metadata: Mapping[str, str]) -> Service:
    name = str(container["Name"]).lstrip("/")
    udp = ":udp" if port.protocol == "udp" else ""
    return Service(
        id=_value(metadata, port, "ID") or f"{rules.hostname}:{name}:{port.number}{udp}",
        name=_name(container, port, several, metadata),
        container=name,
        addresses=port.addresses,
        port=port.outside,
        tags=_tags(rules, port, metadata),
        hosts=frozenset(re.split(r"[\s,]+", _value(metadata, port, "VIRTUAL_HOST").lower())) - {""},
    )


def _name(container: Inspected, port: _Port, several: bool, metadata: Mapping[str, str]) -> str:
    own = _own_value(metadata, port, "NAME")
    if own:
        return own
    image = str(container["Config"].get("Image", "")).rsplit("/", 1)[-1].split(":")[0]
    base = metadata.get("NAME") or image
    return f"{base}-{port.number}" if several else base


def _tags(rules: Rules, port: _Port, metadata: Mapping[str, str]) -> frozenset[str] | None:
    text = [_value(metadata, port, "TAGS"), rules.tags]
    if any("{{" in part for part in text):
        return None
    found = {tag.replace("\\,", ",") for part in text for tag in re.split(r"(?<!\\),", part) if tag}
    return frozenset(found | ({"udp"} if port.protocol == "udp" else set()))


def _ports(container: Inspected, rules: Rules) -> list[_Port]:
    published: Mapping[str, Sequence[Mapping[str, str]] | None] = container["NetworkSettings"].get("Ports") or {}
    on_host = container["HostConfig"].get("NetworkMode") == "host"
    own = frozenset(
        str(network["IPAddress"])
        for network in (container["NetworkSettings"].get("Networks") or {}).values()
        if network.get("IPAddress")
    )
    found = []
    for key in sorted({*published, *(container["Config"].get("ExposedPorts") or {})}):
        number, _, protocol = key.partition("/")
        bindings = published.get(key)
        if on_host or rules.internal:
            addresses = frozenset({rules.ip or rules.address}) if on_host else own
            found.append(_Port(int(number), protocol or "tcp", addresses, int(number)))
        elif bindings:
            bound = bindings[0].get("HostIp")
            address = rules.ip or (bound if bound and bound not in _EVERYWHERE else rules.address)
            outside = int(bindings[0]["HostPort"])
            found.append(_Port(int(number), protocol or "tcp", frozenset({address}), outside))
    return found


def _metadata(container: Inspected) -> dict[str, str]:
    """Collect SERVICE_… of the environment and of the labels, which win, under keys without SERVICE_."""
    config = container["Config"]
    environment = dict(entry.partition("=")[::2] for entry in config.get("Env") or ())
    both = {**environment, **(config.get("Labels") or {})}
    return {key.removeprefix("SERVICE_"): str(value) for key, value in both.items() if key.startswith("SERVICE_")}


def _value(metadata: Mapping[str, str], port: _Port, key: str) -> str:
    return _own_value(metadata, port, key) or metadata.get(key, "")


def _own_value(metadata: Mapping[str, str], port: _Port, key: str) -> str:
    """Return what is set for that port in particular: with its protocol, alone, or in a range."""
    for exact in (f"{port.number}_{port.protocol.upper()}_{key}", f"{port.number}_{key}"):
        if metadata.get(exact):
            return metadata[exact]
    for name, value in metadata.items():
        span = re.fullmatch(rf"(\d+)-(\d+)_{key}", name)
        if span and int(span[1]) <= port.number <= int(span[2]):
            return value
    return ""
