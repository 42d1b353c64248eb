"""What a run is about, beside what is declared: one service only, in an earlier version, or started anew."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from rollcall.config.fleet import RawHost
from rollcall.config.layers import Layer, merged
from rollcall.services.history import Kind, Record


@dataclass(frozen=True)
class Scope:
    """A run that releases one service in a recorded version; without a service, everything as it is declared.

    `record` is the version; without one, the declaration as it is now.
    """

    service: str = ""
    kind: Kind = "deploy"
    record: Record | None = None

    def applied(self, hosts: Iterable[RawHost]) -> tuple[RawHost, ...]:
        """Return the hosts' data with the version's declaration in the place of today's."""
        if not self.record:
            return tuple(hosts)
        return tuple(self._applied(host, self.record) for host in hosts)

    def _applied(self, host: RawHost, record: Record) -> RawHost:
        placed = record.hosts.get(host.name)
        # A host that had not the service then gets the version that others had.
        declaration = record.declarations[placed.declaration if placed else 0]
        layers = tuple(replace(layer, data=self._replaced(layer, declaration)) for layer in host.layers)
        return replace(host, layers=layers, data=merged(layers))

    def _replaced(self, layer: Layer, declaration: Mapping[str, Any]) -> Mapping[str, Any]:
        services = layer.data.get("services")
        if not isinstance(services, Sequence) or isinstance(services, str):
            return layer.data
        return {**layer.data, "services": [declaration if self._is_ours(one) else one for one in services]}

    def _is_ours(self, service: object) -> bool:
        return isinstance(service, Mapping) and service.get("name") == self.service


_current = [Scope()]


def use(scope: Scope) -> None:
    """Set the scope of this run, before it begins."""
    _current[0] = scope


def current() -> Scope:
    """Return the scope of this run."""
    return _current[0]
