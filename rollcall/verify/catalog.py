"""Read the catalog of a running fleet from its agents."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import consul
import requests

from rollcall.config.fleet import Member
from rollcall.consul import kv, maintenance
from rollcall.contract import local_agent
from rollcall.contract.service_protocol import is_udp
from rollcall.contract.timeouts import stretched
from rollcall.errors import RollcallError
from rollcall.registrator.services.identity import MARK_HOST, dns_fault, path_fault
from rollcall.remote.tunnel import Endpoint

# An agent responds from memory, in milliseconds; this also covers an election meanwhile.
RESPONSE_TIMEOUT_SECONDS = 5.0
AGENT_ERRORS = (requests.RequestException, consul.ConsulException)
# The number of names of a large catalog that every host resolves.
MAX_NAMES = 12


@dataclass(frozen=True)
class Instance:
    """One entry of the catalog. `maintenance`: the instance or its whole node is drained."""

    id: str
    service: str
    node: str
    address: str
    port: int
    tags: frozenset[str]
    passing: bool
    maintenance: bool = False
    # The host whose registrator wrote it; "" for another tool's.
    registrator: str = ""
    udp: bool = False

    @property
    def endpoint(self) -> str:
        """Return address:port as nginx writes it."""
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"


class Catalog:
    """Consul's catalog and keys, from any agent of the fleet that knows a leader."""

    def __init__(self, source: str, endpoints: Mapping[str, Endpoint], token: str) -> None:
        """Take the inventory as the user typed it, and the endpoint of each host's agent."""
        self._source = source
        self.agents = {name: _agent(endpoint, token) for name, endpoint in endpoints.items()}

    def any_agent(self) -> consul.Consul:
        """Return the first agent that knows a leader; raise RollcallError without one."""
        for agent in self.agents.values():
            try:
                if agent.status.leader():
                    return agent
            except AGENT_ERRORS:
                continue
        names = ", ".join(self.agents)
        raise RollcallError(
            f"no Consul agent of {names} knows a leader (port {local_agent.PORT} of its host); "
            f"run `rollcall deploy {self._source}`, then `docker logs consul` on a host where that did not help"
        )

    def instances(self) -> tuple[Instance, ...]:
        """Read the whole catalog, except Consul's own service and names that no request can carry."""
        agent = self.any_agent()
        _, names = agent.catalog.services()
        found: list[Instance] = []
        for name in sorted(set(names) - {"consul"}):
            if not path_fault(name):
                _, entries = agent.health.service(name)
                found.extend(_instance(entry) for entry in entries)
        return tuple(found)

    def front_keys(self) -> Mapping[str, str]:
        """Read Consul's keys below rollcall/front/, by which people control the fronts; without that prefix."""
        _, entries = self.any_agent().kv.get(kv.PREFIX, recurse=True)
        return {entry["Key"].removeprefix(kv.PREFIX): (entry["Value"] or b"").decode() for entry in entries or ()}

    def drained_nodes(self) -> frozenset[str]:
        """Return the names of drained nodes."""
        _, checks = self.any_agent().health.state("critical")
        return maintenance.nodes(checks)


def behind(member: Member, instances: Sequence[Instance]) -> tuple[Instance, ...]:
    """Return the instances that a front should balance over: the passing ones of front.services."""
    chosen = [one for query in member.settings.front.services for one in passing(query, instances)]
    # A UDP service never gets requests.
    return tuple(dict.fromkeys(one for one in chosen if not one.udp))


def passing(query: str, instances: Sequence[Instance]) -> list[Instance]:
    """Return the passing instances of "name" or "tag.name"."""
    tag, _, name = query.rpartition(".")
    return [
        instance
        for instance in instances
        if instance.passing and instance.service == name and (not tag or tag in instance.tags)
    ]


def failure(problem: Exception) -> str:
    """Word an agent's failure: its refusal in Consul's words, or no response."""
    if isinstance(problem, consul.ConsulException):
        return f"its agent refuses the request: {problem}"
    return f"its agent does not respond on port {local_agent.PORT}"


def dns_names(instances: Sequence[Instance], domain: str) -> tuple[str, ...]:
    """Return the DNS names of the catalog: services with a passing instance, and their tags."""
    names = {f"consul.service.{domain}": None}
    for instance in instances:
        # A service whose name DNS cannot carry is available over HTTP only.
        if instance.passing and not dns_fault(instance.service):
            # DNS and Consul compare names without case.
            service = instance.service.lower()
            names[f"{service}.service.{domain}"] = None
            tags = [tag.lower() for tag in sorted(instance.tags) if not dns_fault(tag)]
            names.update({f"{tag}.{service}.service.{domain}": None for tag in tags})
    return tuple(names)[:MAX_NAMES]


def _agent(endpoint: Endpoint, token: str) -> consul.Consul:
    agent = consul.Consul(
        host=endpoint[0], port=endpoint[1], scheme="http", connections_timeout=stretched(RESPONSE_TIMEOUT_SECONDS)
    )
    # The library prefers CONSUL_HTTP_TOKEN of the environment, and sends no token with some calls.
    agent.token = None
    agent.http.session.headers["X-Consul-Token"] = token
    # A tunnel's end on this machine must not go through the machine's HTTP proxy.
    agent.http.session.trust_env = False
    return agent


def _instance(entry: Mapping[str, Any]) -> Instance:
    service = entry["Service"]
    meta, tags = service.get("Meta") or {}, frozenset(service["Tags"] or ())
    return Instance(
        id=service["ID"],
        service=service["Service"],
        node=entry["Node"]["Node"],
        address=service["Address"] or entry["Node"]["Address"],
        port=service["Port"],
        tags=tags,
        passing=all(check["Status"] == "passing" for check in entry["Checks"]),
        maintenance=maintenance.among(entry["Checks"], service["ID"]),
        registrator=meta.get(MARK_HOST, ""),
        udp=is_udp(service["ID"], tags, meta),
    )
