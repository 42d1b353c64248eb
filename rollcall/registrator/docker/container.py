"""Parse the part of a container's inspect document that the registrator uses."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

from rollcall.registrator.services.health import Health, read_health

# Docker's default, in seconds.
DEFAULT_STOP_TIMEOUT = 10
SHORT_ID = 12
PORT_NUMBER = re.compile(r"[1-9]\d{0,4}", re.ASCII)


@dataclass(frozen=True, order=True)
class Port:
    """A port inside a container, e.g. 80/tcp."""

    number: int
    protocol: str

    def __str__(self) -> str:
        """Spell it as Docker does."""
        return f"{self.number}/{self.protocol}"


IP = IPv4Address | IPv6Address


@dataclass(frozen=True)
class Binding:
    """The host address and port of a published port; the address as Docker spells it, 0.0.0.0 and :: for all."""

    address: str
    port: int

    @property
    def ip(self) -> IP | None:
        """Return the address, None for an invalid one. Older engines leave it empty for all IPv4 addresses."""
        return read_ip(self.address or "0.0.0.0")  # noqa: S104


@dataclass(frozen=True)
class Network:
    """A container's network, with its address there."""

    id: str
    address: str


@dataclass(frozen=True)
class Container:
    """One container. Ports and networks are empty unless it runs."""

    id: str
    name: str
    image: str
    running: bool
    paused: bool
    exit_code: int
    started_at: str
    stop_signal: str
    stop_timeout: float
    environment: Mapping[str, str]
    labels: Mapping[str, str]
    exposed: tuple[Port, ...]
    published: Mapping[Port, tuple[Binding, ...]]
    network_mode: str
    networks: Mapping[str, Network]
    # None without a HEALTHCHECK.
    health: Health | None = None
    # Its image's id, sha256:…
    image_id: str = ""

    @property
    def short_id(self) -> str:
        """Return the id as `docker ps` shows it."""
        return self.id[:SHORT_ID]

    @property
    def network_owner_ref(self) -> str:
        """Return the id or name of the container whose network it uses (`--network container:ID`), or ""."""
        mode, _, other = self.network_mode.partition(":")
        return other if mode == "container" else ""

    def __str__(self) -> str:
        """Return name and short id, for log lines."""
        return f"{self.name} ({self.short_id})"


def read_container(document: Mapping[str, object]) -> Container:
    """Parse an inspect document of any API version. Never raises: a part of a wrong type counts as absent.

    API 1.52 has no `NetworkSettings.IPAddress`, so this reads `NetworkSettings.Networks`, which all versions have.
    """
    config = _mapping(document.get("Config"))
    state = _mapping(document.get("State"))
    network = _mapping(document.get("NetworkSettings"))
    return Container(
        id=_text(document.get("Id")),
        name=_text(document.get("Name")).lstrip("/"),
        image=_text(config.get("Image")),
        running=state.get("Running") is True,
        paused=state.get("Paused") is True,
        exit_code=_number(state.get("ExitCode"), 0),
        started_at=_text(state.get("StartedAt")),
        stop_signal=_text(config.get("StopSignal")) or "SIGTERM",
        stop_timeout=_number(config.get("StopTimeout"), DEFAULT_STOP_TIMEOUT),
        environment=_environment(config.get("Env")),
        labels={key: value for key, value in _mapping(config.get("Labels")).items() if isinstance(value, str)},
        exposed=tuple(sorted(_ports(config.get("ExposedPorts")))),
        published=_published(network.get("Ports")),
        network_mode=_text(_mapping(document.get("HostConfig")).get("NetworkMode")),
        networks=_networks(network.get("Networks")),
        health=read_health(_mapping(state.get("Health"))),
        image_id=_text(document.get("Image")),
    )


def read_ip(text: str) -> IP | None:
    """Parse an IP address; None for anything else. An IPv4-mapped IPv6 address becomes IPv4."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _mapping(value: object) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        return {}
    return {key: part for key, part in value.items() if isinstance(key, str)}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _number(value: object, default: int) -> int:
    # In Python, but not in JSON, true is an int.
    return value if isinstance(value, int) and not isinstance(value, bool) else default


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _environment(value: object) -> dict[str, str]:
    pairs = (_text(entry).partition("=") for entry in _list(value))
    return {key: text for key, equals, text in pairs if equals}


def _port(text: str) -> Port | None:
    number, _, protocol = text.partition("/")
    return Port(int(number), protocol or "tcp") if PORT_NUMBER.fullmatch(number) else None


def _ports(value: object) -> dict[Port, object]:
    ports = ((_port(text), rest) for text, rest in _mapping(value).items())
    return {port: rest for port, rest in ports if port}


def _published(value: object) -> dict[Port, tuple[Binding, ...]]:
    return {port: tuple(_bindings(rest)) for port, rest in sorted(_ports(value).items(), key=lambda pair: pair[0])}


def _bindings(value: object) -> list[Binding]:
    found = []
    for entry in map(_mapping, _list(value)):
        number = _text(entry.get("HostPort"))
        if PORT_NUMBER.fullmatch(number):
            found.append(Binding(_text(entry.get("HostIp")), int(number)))
    return found


def _networks(value: object) -> dict[str, Network]:
    networks = {}
    for name, entry in sorted(_mapping(value).items()):
        fields = _mapping(entry)
        address = _text(fields.get("IPAddress")) or _text(fields.get("GlobalIPv6Address"))
        if address:
            networks[name] = Network(_text(fields.get("NetworkID")), address)
    return networks
