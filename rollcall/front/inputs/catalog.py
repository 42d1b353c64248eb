"""The catalog as consul-template renders it: services, instances, their health, and Rollcall's own keys."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any, Literal

from rollcall.contract import service_protocol
from rollcall.contract.maintenance_checks import NODE_MAINTENANCE, SERVICE_MAINTENANCE
from rollcall.contract.status_document import container_of

State = Literal["passing", "warning", "critical", "maintenance"]

# A node, a container there (its short id) and what it listens on, or an id: the same as long as an instance lives.
Owner = tuple[str, str, str]

# Consul's own liveness check of a node, by gossip.
SERF_HEALTH = "serfHealth"


@dataclass(frozen=True)
class Instance:
    """One registration of a service.

    `address` is an IPv4 or IPv6 address; the node's where the service has none. `node_alive` tells whether
    Consul's own check of the node (serfHealth) passes. `weight` is Consul's weight of a passing instance.
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

    def __hash__(self) -> int:
        """Hash what tells instances apart: all of their metadata would take a tenth of the routing's time."""
        return hash((self.node, self.identity, self.service))

    @property
    def endpoint(self) -> str:
        """Return address and port as nginx writes them."""
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"

    @property
    def version(self) -> str:
        """Return what its container names as SERVICE_VERSION, or ""; a declared service has its image's tag."""
        return dict(self.meta).get("version", "")

    @property
    def counted_as(self) -> Owner:
        """Return whose its counts and its time in rotation are: those of its container, also under another name."""
        container = dict(self.meta).get(service_protocol.MARK_CONTAINER, "")
        parts = self.identity.split(":")
        named = container and container_of(self.identity) is not None
        return self.node, container, ":".join(parts[2:]) if named else self.identity

    @property
    def udp(self) -> bool:
        """Whether it takes UDP, and so no request of HTTP."""
        return service_protocol.is_udp(self.identity, self.tags, dict(self.meta))


@dataclass(frozen=True)
class Catalog:
    """All instances in a stable order, and Consul's keys below rollcall/front/, without that prefix.

    `readable` is False without even Consul's own servers: Consul lost its state, or our token may not read it.
    `complaints` name registrations that nginx cannot reach, one sentence each.
    """

    instances: tuple[Instance, ...]
    keys: Mapping[str, str] = field(default_factory=dict)
    readable: bool = True
    complaints: tuple[str, ...] = ()


def read(text: str) -> Catalog:
    """Read what catalog.ctmpl rendered. An unusable registration costs only its own instance.

    Raises:
        ValueError: the text is not a rendering of the template, or an incomplete one.
    """
    try:
        document = json.loads(text)
        rows = [row for row in document["instances"] if row is not None]
        keys = {row["key"]: row["value"] for row in document["keys"] if row is not None}
        unasked = [name for name in document["unasked"] if name is not None]
        found = [_instance_or_complaint(row) for row in rows]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"the rendered catalog is not a document of catalog.ctmpl: {error!r}") from error
    # Consul compares names without case: Shop and shop both return the instances of both.
    instances = {result for result in found if isinstance(result, Instance)}
    return Catalog(
        instances=tuple(sorted(instances, key=lambda instance: (instance.service, instance.node, instance.identity))),
        keys=keys,
        readable=any(row["service"] == "consul" for row in rows),
        complaints=tuple(dict.fromkeys((*(result for result in found if isinstance(result, str)), *_unasked(unasked)))),
    )


def _instance_or_complaint(row: Mapping[str, Any]) -> Instance | str | None:
    address, port, meta = _address(row["address"]), row["port"], row["meta"] or {}
    named = f"{row['id']} of {row['service']} is registered with the"
    if not address:
        return f"{named} address {row['address']!r}, so it gets no requests; expected an IPv4 or IPv6 address"
    if not 1 <= port <= 65535:
        # A service without a port is fine unless it requests a route.
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
    """Return the address in its canonical form, or ""; one with a zone ("fe80::1%eth0") is valid on one host only."""
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
            f"consul-template cannot query the service {name!r}, so it has no route; "
            "expected a name of letters, digits, - and _"
        )
