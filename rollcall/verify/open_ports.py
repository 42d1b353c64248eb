"""Every port that Rollcall opens on a host: where it listens, and who gets in. The table of the README is this one.

Fronts with one address in common (front.virtual_address) also receive VRRP from each other. That is a protocol of its
own, IP's number 112, and has no ports.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Literal

from rollcall.components.backend import PORTS
from rollcall.config.fleet import Fleet, Member
from rollcall.config.settings import Front
from rollcall.verify.listeners import Listener

Protocol = Literal["tcp", "udp"]
Hosts = Literal["every host", "servers", "backends", "fronts"]
At = Literal["the host's address", "loopback", "Docker's bridge", "Docker's bridges", "every address", "front.status"]
LOOPBACK = "127.0.0.1"
# Settings by which a user moves Consul's own ports; the table cannot know where to.
MOVING = frozenset({"addresses", "bind_addr", "client_addr", "ports", "serf_lan"})


@dataclass(frozen=True)
class OpenPort:
    """A port, or a range of which as many may be open as are used."""

    hosts: Hosts
    ports: range
    protocols: tuple[Protocol, ...]
    at: tuple[At, ...]
    serves: str
    open_to: str

    @property
    def is_one(self) -> bool:
        """Whether it is a single port, which is open at all times."""
        return len(self.ports) == 1

    @property
    def shown(self) -> str:
        """Give it as a person writes it."""
        number = str(self.ports[0]) if self.is_one else f"{self.ports[0]}–{self.ports[-1]}"
        return f"{number} {' and '.join(self.protocols)}"


def _one(port: int) -> range:
    return range(port, port + 1)


def _range(text: str) -> range:
    first, last = map(int, text.split("-"))
    return range(first, last + 1)


TCP: tuple[Protocol, ...] = ("tcp",)
BOTH: tuple[Protocol, ...] = ("tcp", "udp")
INSIDE: tuple[At, ...] = ("loopback", "Docker's bridge")
OUTSIDE: tuple[At, ...] = ("the host's address",)
HERE = "the host and its containers"

CONSUL = (
    OpenPort("servers", _one(8300), TCP, OUTSIDE, "Consul's RPC", "agents, by a certificate of the fleet"),
    OpenPort("every host", _one(8301), BOTH, OUTSIDE, "Consul's gossip", "agents, by the gossip key"),
    OpenPort(
        "every host",
        _one(8501),
        TCP,
        ("the host's address", "loopback"),
        "Consul's API by HTTPS",
        "whoever has a certificate of the fleet, and a token",
    ),
    OpenPort("every host", _one(8500), TCP, INSIDE, "Consul's API", f"{HERE}, with a token"),
    OpenPort("every host", _one(8600), BOTH, ("loopback",), "Consul's DNS", "the host"),
)
DNS = (OpenPort("every host", _one(53), BOTH, ("Docker's bridges",), "DNS: Consul's names and all others", HERE),)
REGISTRATOR = (
    OpenPort("every host", _one(8510), TCP, ("loopback",), "the registrator's state and metrics", "the host"),
)
BACKENDS = tuple(
    OpenPort(
        "backends", _range(chosen), TCP, OUTSIDE, f"port {port} of the sample web containers", "the fronts, everybody"
    )
    for port, chosen in PORTS.items()
)


def fronts(front: Front) -> tuple[OpenPort, ...]:
    """List what a front opens, by its settings."""
    return (
        OpenPort("fronts", _one(front.http_port), TCP, ("every address",), "the site by HTTP", "everybody"),
        OpenPort("fronts", _one(front.https_port), TCP, ("every address",), "the site by HTTPS", "everybody"),
        *_status(front),
    )


def _status(front: Front) -> tuple[OpenPort, ...]:
    address, _, port = front.status.rpartition(":")
    if not address:
        return ()
    is_here = address == LOOPBACK
    at: tuple[At, ...] = ("loopback" if is_here else "front.status",)
    open_to = "the host" if is_here else "whoever reaches that address"
    return (OpenPort("fronts", _one(int(port)), TCP, at, "the front's state and metrics", open_to),)


def opened(fleet: Fleet, member: Member) -> tuple[OpenPort, ...]:
    """List what one host has open."""
    hosts: dict[Hosts, bool] = {
        "every host": True,
        "servers": member.is_server,
        "backends": member.is_backend and fleet.mode == "published",
        "fronts": member.is_front,
    }
    dns = DNS if member.settings.dns.enabled else ()
    every = (*CONSUL, *dns, *REGISTRATOR, *BACKENDS, *fronts(member.settings.front))
    return tuple(port for port in every if hosts[port.hosts])


def differences(
    fleet: Fleet, member: Member, bridge: str, bridges: Iterable[str], ours: Iterable[Listener]
) -> list[str]:
    """Say what our containers listen on beyond the table, and what of it nothing listens on.

    Args:
        fleet: all hosts.
        member: the host.
        bridge: its Docker bridge's address.
        bridges: those of all of its Docker networks, which come and go.
        ours: who listens there, of our containers.
    """
    addresses: dict[At, tuple[str, ...]] = {
        "the host's address": (member.address,),
        "loopback": (LOOPBACK,),
        "Docker's bridge": (bridge,),
        "Docker's bridges": (bridge, *bridges),
        "every address": (member.settings.front.address,),
        "front.status": (member.settings.front.status.rpartition(":")[0].replace("0.0.0.0", ""),),  # noqa: S104 — read
    }
    moved = MOVING & {*member.settings.consul.extra, *member.settings.consul_server.extra}
    left_out = {"consul"} if moved else set()
    ports = [port for port in opened(fleet, member) if not (moved and port in CONSUL)]
    places = {
        (protocol, address, port)
        for port in ports
        for protocol in port.protocols
        for at in port.at
        for address in addresses[at]
    }
    # Whoever listens at an interface does so at its link-local address, too, which nobody beyond that link reaches.
    bridged = {number for port in ports if "Docker's bridges" in port.at for number in port.ports}
    listening = {
        one
        for one in ours
        if one.container not in left_out and not (one.port in bridged and _is_link_local(one.address))
    }
    extra = [one for one in listening if not any(_is_of(one, *place) for place in places)]
    lasting = [place for place in places if place[2].is_one and place[1] not in {*bridges} - {bridge}]
    missing = [place for place in lasting if not any(_is_of(one, *place) for one in listening)]
    return sorted(
        [f"{one.container} listens on {one}, which is not in the table of open ports" for one in extra]
        + [
            f"nothing listens on {Listener(protocol, at, port.ports[0])} ({port.serves})"
            for protocol, at, port in missing
        ]
    )


def _is_link_local(address: str) -> bool:
    return bool(address) and ip_address(address).is_link_local


def _is_of(one: Listener, protocol: str, address: str, port: OpenPort) -> bool:
    return one.protocol == protocol and one.address == address and one.port in port.ports


def markdown() -> str:
    """Write the table of the README."""
    rows = (*CONSUL, *DNS, *REGISTRATOR, *BACKENDS, *fronts(Front()))
    lines = ["| port | on | listens at | what | open to |", "| --- | --- | --- | --- | --- |"]
    lines += [f"| {one.shown} | {one.hosts} | {', '.join(one.at)} | {one.serves} | {one.open_to} |" for one in rows]
    return "\n".join(lines) + "\n"
