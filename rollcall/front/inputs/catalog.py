"""The catalog as consul-template renders it: services, their instances and their health, and the keys of ours."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any, Literal

from rollcall.contract.maintenance_checks import NODE_MAINTENANCE, SERVICE_MAINTENANCE

State = Literal["passing", "warning", "critical", "maintenance"]

# Consul's own check of a node's life, by gossip.
SERF_HEALTH = "serfHealth"


@dataclass(frozen=True)
class Instance:
    """One registration of a service.

    `address` is an IPv4 or IPv6 address, the node's where the service has none of its own. `node_alive` says whether
    Consul's own check of the node (serfHealth) passes. `weight` is Consul's, of a passing instance.
    """

    service: str
    identity: str
    node: str
    address: str
    port: int
    tags: tuple[str, ...] = ()
    meta: tuple[tuple[str, str], ...] = ()
    weight: int = 1
    state: State = "passing"
    node_alive: bool = True

    @property
    def endpoint(self) -> str:
        """Address and port as nginx and everybody else writes them."""
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"


@dataclass(frozen=True)
class Catalog:
    """All instances in a stable order, and Consul's keys below rollcall/front/, without that prefix.

    `readable` is False where not even Consul's own servers are seen: it lost its state, or hides it from our token.
    `complaints` name registrations that no nginx can reach, one sentence each.
    """

    instances: tuple[Instance, ...]
    keys: Mapping[str, str] = field(default_factory=dict)
    readable: bool = True
    complaints: tuple[str, ...] = ()


def read(text: str) -> Catalog:
    """Read what catalog.ctmpl rendered. A registration that cannot be used costs that instance only.

    Raises:
        ValueError: the text is not what the template makes; consul-template was stopped in the middle of it.
    """
    try:
        document = json.loads(text)
        rows = [row for row in document["instances"] if row is not None]
        keys = {row["key"]: row["value"] for row in document["keys"] if row is not None}
        unasked = [name for name in document["unasked"] if name is not None]
        found = [_instance_or_complaint(row) for row in rows]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"the rendered catalog is not what catalog.ctmpl makes: {error!r}") from error
    # Consul takes Shop for shop, and shows the instances of both for either.
    instances = {one for one in found if isinstance(one, Instance)}
    return Catalog(
        instances=tuple(sorted(instances, key=lambda one: (one.service, one.node, one.identity))),
        keys=keys,
        readable=any(one["service"] == "consul" for one in rows),
        complaints=tuple(dict.fromkeys((*(one for one in found if isinstance(one, str)), *_unasked(unasked)))),
    )


def _instance_or_complaint(row: Mapping[str, Any]) -> Instance | str | None:
    address, port, meta = _address(row["address"]), row["port"], row["meta"] or {}
    named = f"{row['id']} of {row['service']} is registered with the"
    if not address:
        return f"{named} address {row['address']!r}, so it gets no requests; expected an IPv4 or IPv6 address"
    if not 1 <= port <= 65535:
        # A service without a port is nothing wrong, until it wants requests.
        wanted = "virtual_host" in meta
        return f"{named} port {port}, so it gets no requests; expected a port from 1 to 65535" if wanted else None
    checks = row["checks"]
    return Instance(
        service=row["service"],
        identity=row["id"],
        node=row["node"],
        address=address,
        port=port,
        tags=tuple(row["tags"] or ()),
        meta=tuple(sorted(meta.items())),
        weight=row["weight"],
        state=_state(row["id"], checks),
        node_alive=checks.get(SERF_HEALTH) != "critical",
    )


def _address(text: str) -> str:
    """Return the address in its usual form, or nothing; with a zone ("fe80::1%eth0") it is of one host only."""
    try:
        return "" if "%" in text else str(ip_address(text))
    except ValueError:
        return ""


def _state(identity: str, checks: Mapping[str, str]) -> State:
    if NODE_MAINTENANCE in checks or SERVICE_MAINTENANCE + identity in checks:
        return "maintenance"
    said = set(checks.values())
    if said <= {"passing"}:
        return "passing"
    return "warning" if said <= {"passing", "warning"} else "critical"


def _unasked(names: list[str]) -> Iterator[str]:
    for name in names:
        yield (
            f"the service {name!r} cannot be asked for by consul-template, so it is not routed; "
            "expected a name of letters, digits, - and _"
        )
