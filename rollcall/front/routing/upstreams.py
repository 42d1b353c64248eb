"""The upstreams of the claims that won, with their servers and weights."""

from collections.abc import Mapping, Sequence

from rollcall.contract import canary, route_metadata
from rollcall.contract.stream_metadata import Transport
from rollcall.front.inputs.catalog import Instance
from rollcall.front.routing import weights
from rollcall.front.routing.claims import Claim
from rollcall.front.routing.model import Complaint, Server, Upstream

# The default site's upstream. A service's own upstreams have a dot in their names, which no service has.
BACKENDS = "backends"


class Upstreams:
    """The upstreams made so far: locations with the same instances share one, with its connections and failures."""

    def __init__(
        self,
        routed: frozenset[Instance],
        weight: int,
        percentages: Mapping[str, canary.Percentages],
        complaints: list[Complaint],
    ) -> None:
        """Start without any. `routed` may get requests; `weight` is the default."""
        self.made: dict[object, Upstream] = {}
        self._routed = routed
        self._weight = weight
        self._percentages = percentages
        self._complaints = complaints
        self._of_name: dict[str, int] = {}

    def name(self, host: str, claim: Claim) -> str:
        """Name the upstream of a claim at a host; make it if it does not exist yet."""
        instances = self._instances(claim.instances)
        # A TLS connection belongs to one server name; another name must not reuse it.
        secured = host if claim.options.protocol in ("https", "grpcs") else ""
        sticky = claim.options.policy("sticky")
        key = (claim.source == "default", claim.services, claim.options.protocol, secured, sticky, instances)
        if (made := self.made.get(key)) is None:
            name = BACKENDS if claim.source == "default" else self._new_name(claim.services[0], claim.options.protocol)
            made = self.made[key] = self._upstream(name, claim.services, instances, sticky)
        return made.name

    def stream_name(self, transport: Transport, services: tuple[str, ...], claimed: Sequence[Instance]) -> str:
        """Name the upstream of a stream; make it if it does not exist yet."""
        instances = self._instances(claimed)
        key = (transport, services, instances)
        if (made := self.made.get(key)) is None:
            made = self.made[key] = self._upstream(self._new_name(services[0], transport), services, instances)
        return made.name

    def _instances(self, claimed: Sequence[Instance]) -> tuple[Instance, ...]:
        """Return the instances that get requests, each address once: one may be registered for two services."""
        by_endpoint = {instance.endpoint: instance for instance in reversed(claimed) if instance in self._routed}
        return tuple(by_endpoint[endpoint] for endpoint in sorted(by_endpoint))

    def _new_name(self, service: str, protocol: str) -> str:
        # nginx compares upstream names without case, and refuses a configuration with two equal ones.
        name = f"{service}.{protocol}".lower()
        self._of_name[name] = self._of_name.get(name, 0) + 1
        return name if self._of_name[name] == 1 else f"{name}.{self._of_name[name]}"

    def _upstream(
        self, name: str, services: tuple[str, ...], instances: tuple[Instance, ...], sticky: str = ""
    ) -> Upstream:
        own = {instance: self._own_weight(instance) for instance in instances}
        exact = any(instance.service in self._percentages for instance in instances)
        whole = weights.whole(weights.with_canaries(own, self._percentages)) if exact else own
        servers = tuple(Server(instance, whole[instance]) for instance in instances if whole[instance])
        return Upstream(name, servers, services, exact, sticky)

    def _own_weight(self, instance: Instance) -> int:
        """Return the container's weight, else the registration's, else the front's default."""
        registered = instance.weight if instance.weight > 1 else self._weight
        try:
            return route_metadata.weight(dict(instance.meta)) or registered
        except ValueError as error:
            text = f"{instance.identity} of {instance.service} has the weight {registered} instead of its own: {error}"
            self._complaints.append(Complaint("metadata", text))
            return registered
