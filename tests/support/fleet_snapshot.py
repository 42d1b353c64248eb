"""Everything of a fleet that an attack could have moved."""

import json
from typing import Any

from asking import Ask
from deployed import Fleet

from rollcall.secrets.store import Secrets


def fleet_snapshot(fleet: Fleet, kept: Secrets) -> dict[str, Any]:
    """Say how the fleet stands, as a server sees it, and nothing that is secret.

    Consul's own indexes are in it: also a write that was undone, or that wrote what was there, shows.
    """
    paths = (
        *("/v1/status/leader", "/v1/session/list", "/v1/event/list", "/v1/peerings"),
        *("/v1/kv/?recurse", "/v1/connect/intentions", "/v1/catalog/nodes"),
        *(f"/v1/catalog/node/{node}" for node in fleet.hosts),
    )
    access = ("/v1/acl/tokens", "/v1/acl/policies", "/v1/acl/roles")
    changing = ("/v1/agent/members", "/v1/operator/raft/configuration")
    *found, members, raft = _ask(fleet, kept.tokens.secret("operator"), *paths, *changing)
    return {
        **dict(zip(paths, found, strict=True)),
        **dict(zip(access, _ask(fleet, kept.tokens.secret("auditor"), *access), strict=True)),
        # The rest of these two counts what agents say to each other.
        "members": sorted((entry["Name"], entry["Addr"], entry["Status"]) for entry in json.loads(members)),
        "voters": sorted(entry["Node"] for entry in json.loads(raft)["Servers"] if entry["Voter"]),
    }


def at_rest(fleet: Fleet) -> dict[str, str]:
    """Give what is worth looking at once: every container, and which keys the servers take gossip with."""
    keyring = "sha256sum /var/lib/docker/volumes/consul-data/_data/serf/local.keyring"
    return {**fleet.all_containers(), "keyring": fleet.on("consul1", keyring)}


def _ask(fleet: Fleet, token: str, *paths: str) -> list[str]:
    return [answer.body for answer in fleet.ask("consul1", [Ask("GET", path) for path in paths], token)]
