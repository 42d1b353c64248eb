"""Which servers a cluster has, as autopilot's health names them."""

import json
from collections.abc import Collection, Mapping
from typing import Any


def by_name(health: str) -> Mapping[str, Mapping[str, Any]] | None:
    """Read the body of /v1/operator/autopilot/health, which is JSON even when unhealthy; None where it is another."""
    try:
        return {str(server["Name"]): server for server in json.loads(health)["Servers"] or ()}
    except (ValueError, KeyError, TypeError):
        return None


def unlisted(health: str, addresses: Collection[str]) -> str:
    """Refuse live servers that no host of the inventory is: they would keep their votes, and their tokens would go.

    A dead one is no reason: autopilot takes its vote as soon as another server has its place.

    Args:
        health: the body of /v1/operator/autopilot/health.
        addresses: those of the inventory's hosts.

    Returns:
        A sentence, empty where nothing is wrong.
    """
    alive = {
        name: address
        for name, server in sorted((by_name(health) or {}).items())
        if (address := str(server.get("Address", "")).rpartition(":")[0]) not in addresses
        and server.get("SerfStatus") == "alive"
    }
    if not alive:
        return ""
    named = ", ".join(f"{name} ({address})" for name, address in alive.items())
    what = "a Consul server" if len(alive) == 1 else "Consul servers"
    return (
        f"{named}: still {what} of this fleet, but not in the inventory; list it outside consul_servers and run "
        "`rollcall deploy --yes`, so that it leaves the quorum; then take it out of the inventory"
    )
