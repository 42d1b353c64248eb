"""The catalog as consul-template renders it: services, their instances and their health, and the keys of ours."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

State = Literal["passing", "warning", "critical", "maintenance"]


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
    """

    instances: tuple[Instance, ...]
    keys: Mapping[str, str] = field(default_factory=dict)
    readable: bool = True
    complaints: tuple[str, ...] = ()
