"""Decide whether Consul's servers bear that one of them goes. No I/O."""

from collections.abc import Mapping
from typing import Any

from rollcall.config.fleet import Fleet, Member

Servers = Mapping[str, Mapping[str, Any]]


def refusal(node: str, found: Servers | None, source: str) -> str:
    """Return why this server cannot leave for good now, or "".

    Args:
        node: its node name; one that is no server may always leave.
        found: autopilot's health by node name, None if there is no leader.
        source: the inventory as the user typed it.
    """
    if found is None:
        return (
            f"Consul has no leader, and nobody can leave a cluster without one; bring its servers back, or, if most of "
            f"them are gone for good: rollcall recover {source}"
        )
    if node not in found:
        return ""
    staying = {name: server for name, server in found.items() if name != node}
    if not staying:
        return (
            f"{node} is the only Consul server, and its keys and catalog would go with it; put another host into "
            f"consul_servers first: rollcall deploy {source}"
        )
    return _too_few(staying, f"{node} cannot leave", source)


def pause_refusal(node: str, found: Servers | None, source: str) -> str:
    """Return why this server cannot be down for a while now, or "": the others must keep the quorum of all.

    A single server may: the fronts keep what they serve while it is down.
    """
    if found is None:
        return f"Consul has no leader; mend it before a host goes down: rollcall status {source}"
    if node not in found or len(found) == 1:
        return ""
    well = [name for name, server in found.items() if name != node and _votes(server)]
    needed = len(found) // 2 + 1
    if len(well) >= needed:
        return ""
    return (
        f"{node} cannot go down: without it {len(well)} of {len(found)} Consul servers would be left, and {needed} "
        f"must be healthy voters; see rollcall status {source}"
    )


def _too_few(staying: Servers, what: str, source: str) -> str:
    well = [name for name, server in staying.items() if _votes(server)]
    needed = len(staying) // 2 + 1
    if len(well) >= needed:
        return ""
    ill = sorted(staying.keys() - set(well))
    return (
        f"{what}: of the {len(staying)} Consul servers that stay {needed} must be healthy voters, and "
        f"{', '.join(ill)} {'is' if len(ill) == 1 else 'are'} not; see rollcall status {source}"
    )


def _votes(server: Mapping[str, Any]) -> bool:
    return bool(server.get("Healthy")) and bool(server.get("Voter"))


def remarks(fleet: Fleet, member: Member) -> list[str]:
    """Return what a fleet lacks once this host has left it, in sentences."""
    found = []
    servers = len(fleet.servers) - 1
    if member.is_server and servers % 2 == 0:
        found.append(
            f"{servers} Consul servers stay, and no more of them may fail than of {servers - 1}; "
            "expected 1, 3 or 5 in consul_servers with the next deploy"
        )
    if member.is_front and len(fleet.fronts) == 1:
        found.append(f"{member.name} is the only front; clients of the fleet's sites get no response")
    return found
