"""Read a cluster's servers from autopilot's health."""

import json
from collections.abc import Collection, Mapping
from typing import Any


def by_name(health: str) -> Mapping[str, Mapping[str, Any]] | None:
    """Parse the body of /v1/operator/autopilot/health, which is JSON even when unhealthy; None for any other body."""
    try:
        return {str(server["Name"]): server for server in json.loads(health)["Servers"] or ()}
    except (ValueError, KeyError, TypeError):
        return None


def unlisted(health: str, addresses: Collection[str], nodes: Collection[str]) -> str:
    """Return an error if live servers are not in the inventory: they would keep their votes but lose their tokens.

    Dead servers are fine: autopilot removes their vote as soon as another server takes their place.

    Args:
        health: the body of /v1/operator/autopilot/health.
        addresses: the addresses of the inventory's hosts.
        nodes: their node names: a host may have another address now.

    Returns:
        One sentence, or "".
    """
    alive = {
        name: address
        for name, server in sorted((by_name(health) or {}).items())
        if (address := str(server.get("Address", "")).rpartition(":")[0]) not in addresses
        and name not in nodes
        and server.get("SerfStatus") == "alive"
    }
    if not alive:
        return ""
    named = ", ".join(f"{name} ({address})" for name, address in alive.items())
    what = "a Consul server" if len(alive) == 1 else "Consul servers"
    return (
        f"{named}: still {what} of this fleet, but not in the inventory; put it back and run "
        f"`rollcall remove INVENTORY --host {next(iter(alive))}`, so that it leaves the quorum"
    )
