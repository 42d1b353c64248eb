"""List every port that Rollcall opens on a host, with address and access; docs/security.md has this table.

Fronts with a shared address (front.virtual_address) also send each other VRRP, IP protocol 112, which has no ports.
"""

from collections.abc import Iterable, Sequence
from ipaddress import ip_address

from rollcall.components import consul, dns, front, jobs, registrator, services
from rollcall.components.component import Component
from rollcall.components.open_port import LOOPBACK, At, OpenPort
from rollcall.config.fleet import Fleet, Member
from rollcall.config.settings import Front
from rollcall.verify.listeners import Listener

# Settings by which a user moves Consul's own ports; the table cannot follow them.
MOVING = frozenset({"addresses", "bind_addr", "client_addr", "ports", "serf_lan"})
# dnsmasq(8), --min-port: it awaits each response at a random UDP port, none of them below.
QUERIES_FROM = 1024


def opened(fleet: Fleet, member: Member, components: Sequence[Component]) -> tuple[OpenPort, ...]:
    """Return the ports that one host opens."""
    return tuple(port for component in components for port in component.open_ports(fleet, member))


def differences(
    member: Member, wanted: Sequence[OpenPort], bridge: str, bridges: Iterable[str], ours: Iterable[Listener]
) -> list[str]:
    """Return the listeners of our containers outside the table, and its ports without a listener.

    Args:
        member: the host.
        wanted: the ports that it should open.
        bridge: the address of its Docker bridge.
        bridges: the addresses of all its Docker networks, which come and go.
        ours: the listeners of our containers.
    """
    addresses: dict[At, tuple[str, ...]] = {
        "the host's address": (member.address,),
        "loopback": (LOOPBACK,),
        "Docker's bridge": (bridge,),
        "Docker's bridges": (bridge, *bridges),
        "every address": (member.settings.front.address,),
        "every IPv4 address": ("",),
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
    # A program that listens at an interface also does at its link-local address, which only that link reaches.
    bridged = {number for port in ports if "Docker's bridges" in port.at for number in port.ports}
    listening = {
        container
        for container in ours
        if container.container not in left_out
        and not (container.port in bridged and _is_link_local(container.address))
        and not _awaits_a_response(container)
    }
    extra = [one for one in listening if not any(_is_of(one, *place) for place in places)]
    lasting = [place for place in places if place[2].is_lasting and place[1] not in {*bridges} - {bridge}]
    missing = [place for place in lasting if not any(_is_of(one, *place) for one in listening)]
    return sorted(
        [
            f"{container.container} listens on {container}, which is not in the table of open ports"
            for container in extra
        ]
        + [
            f"nothing listens on {Listener(protocol, at, port.ports[0])} ({port.serves})"
            for protocol, at, port in missing
        ]
    )


def _awaits_a_response(listener: Listener) -> bool:
    ours = listener.container in dns.COMPONENT.containers
    return ours and (listener.protocol, listener.address) == ("udp", "") and listener.port >= QUERIES_FROM


def _is_link_local(address: str) -> bool:
    return bool(address) and ip_address(address).is_link_local


def _is_of(listener: Listener, protocol: str, address: str, port: OpenPort) -> bool:
    return listener.protocol == protocol and listener.address == address and listener.port in port.ports


def markdown() -> str:
    """Return the table of docs/security.md."""
    rows = (consul.RPC, *consul.PORTS, dns.PORT, registrator.PORT, services.OPEN_PORT, jobs.PORT, *front.ports(Front()))
    lines = ["| port | on | listens at | what | open to |", "| --- | --- | --- | --- | --- |"]
    lines += [f"| {row.shown} | {row.hosts} | {', '.join(row.at)} | {row.serves} | {row.open_to} |" for row in rows]
    return "\n".join(lines) + "\n"
