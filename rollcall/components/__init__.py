"""Components: functions from settings and host facts to what should be on a host."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from rollcall.components import backend, consul, dns, front, keepalived, registrator, socket_filter, template_sync
from rollcall.config.fleet import Fleet, Member
from rollcall.converge.resources import Thing
from rollcall.secrets.store import Secrets


@dataclass(frozen=True)
class HostFacts:
    """The little that components must know of a host as it is.

    bridge, bridge_interface: the Docker bridge's address and interface; resolver: how it resolves names; socket_group:
    the id of the group that may open the engine's socket; interfaces: those of the host by their addresses.
    """

    bridge: str
    bridge_interface: str
    resolver: dns.Resolver
    socket_group: int
    interfaces: Mapping[str, str] = field(default_factory=dict)


def desired(fleet: Fleet, member: Member, facts: HostFacts, secrets: Secrets) -> Mapping[str, tuple[Thing, ...]]:
    """Say everything that should be on a host, by component, in the order of the roll-out."""
    return {
        "Consul": consul.desired(fleet, member, facts.bridge, secrets),
        "DNS": dns.desired(member, facts.bridge, facts.bridge_interface, facts.resolver),
        "socket filter": socket_filter.desired(member, facts.socket_group),
        "registrator": registrator.desired(fleet, member, secrets),
        "backends": backend.desired(fleet, member, secrets),
        "front": front.desired(member, secrets),
        "keepalived": keepalived.desired(fleet, member, facts.interfaces),
        "own templates": template_sync.desired(member, facts.socket_group, secrets),
    }
