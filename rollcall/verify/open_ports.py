"""Every port that Rollcall opens on a host: where it listens, and who gets in. docs/security.md has this table.

Fronts with one address in common (front.virtual_address) also receive VRRP from each other. That is a protocol of its
own, IP's number 112, and has no ports.
"""

from collections.abc import Iterable, Sequence
from ipaddress import ip_address

from rollcall.components import backend, consul, dns, front, registrator
from rollcall.components.component import Component
from rollcall.components.open_port import LOOPBACK, At, OpenPort
from rollcall.config.fleet import Fleet, Member
from rollcall.config.settings import Front
from rollcall.verify.listeners import Listener

# Settings by which a user moves Consul's own ports; the table cannot know where to.
MOVING = frozenset({"addresses", "bind_addr", "client_addr", "ports", "serf_lan"})


def opened(fleet: Fleet, member: Member, components: Sequence[Component]) -> tuple[OpenPort, ...]:
    """List what one host has open."""
    return tuple(port for component in components for port in component.open_ports(fleet, member))


def differences(
    member: Member, wanted: Sequence[OpenPort], bridge: str, bridges: Iterable[str], ours: Iterable[Listener]
) -> list[str]:
    """Say what our containers listen on beyond the table, and what of it nothing listens on.

    Args:
        member: the host.
        wanted: what it should have open.
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
    ports = [port for port in wanted if not (moved and port in (consul.RPC, *consul.PORTS))]
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
    """Write the table of docs/security.md."""
    rows = (consul.RPC, *consul.PORTS, dns.PORT, registrator.PORT, *backend.OPEN_PORTS, *front.ports(Front()))
    lines = ["| port | on | listens at | what | open to |", "| --- | --- | --- | --- | --- |"]
    lines += [f"| {one.shown} | {one.hosts} | {', '.join(one.at)} | {one.serves} | {one.open_to} |" for one in rows]
    return "\n".join(lines) + "\n"
