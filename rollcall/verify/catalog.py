"""The catalog of a running fleet, as its agents return it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import consul
import requests

from rollcall.config.fleet import Member
from rollcall.consul import kv, maintenance
from rollcall.contract import local_agent
from rollcall.contract.timeouts import stretched
from rollcall.errors import RollcallError
from rollcall.registrator.services.identity import MARK_HOST, dns_fault, path_fault
from rollcall.remote.tunnel import Endpoint

# An agent answers from memory, in milliseconds; this also covers an election in the middle of the question.
ANSWER_SECONDS = 5.0
UNANSWERED = (requests.RequestException, consul.ConsulException)
# How many names of a large catalog are looked up on every host.
NAMES = 12


@dataclass(frozen=True)
class Instance:
    """One entry of the catalog. `maintenance`: somebody took it, or its whole node, out of service."""

    id: str
    service: str
    node: str
    address: str
    port: int
    tags: frozenset[str]
    passing: bool
    maintenance: bool = False
    # The host whose registrator wrote it; empty for another tool's.
    registrator: str = ""

    @property
    def endpoint(self) -> str:
        """Where it answers, as nginx writes it."""
        return f"{self.address}:{self.port}"


class Catalog:
    """Consul's catalog and keys, by whichever agent of the fleet knows a leader."""

    def __init__(self, source: str, endpoints: Mapping[str, Endpoint], token: str) -> None:
        """Take the inventory as the user typed it, and where each host's agent is reached."""
        self._source = source
        self.agents = {name: _agent(endpoint, token) for name, endpoint in endpoints.items()}

    def any_agent(self) -> consul.Consul:
        """Return the first agent that knows a leader. Raises RollcallError when none does."""
        for agent in self.agents.values():
            try:
                if agent.status.leader():
                    return agent
            except UNANSWERED:
                continue
        names = ", ".join(self.agents)
        raise RollcallError(
            f"no Consul agent of {names} answers with a leader on its host's port {local_agent.PORT}; "
            f"run `rollcall deploy {self._source}`, then `docker logs consul` on a host that still does not."
        )

    def instances(self) -> tuple[Instance, ...]:
        """Read the whole catalog, except Consul's own service and those whose names no request can carry."""
        agent = self.any_agent()
        _, names = agent.catalog.services()
        found: list[Instance] = []
        for name in sorted(set(names) - {"consul"}):
            if not path_fault(name):
                _, entries = agent.health.service(name)
                found.extend(_instance(entry) for entry in entries)
        return tuple(found)

    def front_keys(self) -> Mapping[str, str]:
        """Read what people tell the fronts by Consul's keys below rollcall/front/, without that prefix."""
        _, entries = self.any_agent().kv.get(kv.PREFIX, recurse=True)
        return {one["Key"].removeprefix(kv.PREFIX): (one["Value"] or b"").decode() for one in entries or ()}

    def drained_nodes(self) -> frozenset[str]:
        """Name the nodes that somebody took out of service as a whole."""
        _, checks = self.any_agent().health.state("critical")
        return maintenance.nodes(checks)


def behind(member: Member, instances: Sequence[Instance]) -> tuple[Instance, ...]:
    """Return the instances that a front should balance over: passing, of its settings' services."""
    chosen = []
    for query in member.settings.front.services:
        tag, _, name = query.rpartition(".")
        chosen += [one for one in instances if one.passing and one.service == name and (not tag or tag in one.tags)]
    return tuple(dict.fromkeys(chosen))


def unanswered(problem: Exception) -> str:
    """Say of an agent what came instead of its answer: a refusal in Consul's words, or nothing."""
    if isinstance(problem, consul.ConsulException):
        return f"its agent refuses the question: {problem}"
    return f"its agent does not answer on port {local_agent.PORT}"


def dns_names(instances: Sequence[Instance], domain: str) -> tuple[str, ...]:
    """Name everything in the catalog that DNS should answer for: services with a passing instance, and tags."""
    names = {f"consul.service.{domain}": None}
    for one in instances:
        # A service whose name DNS cannot carry is found over HTTP only.
        if one.passing and not dns_fault(one.service):
            # DNS and Consul take names that differ only in case for one.
            service = one.service.lower()
            names[f"{service}.service.{domain}"] = None
            tags = [tag.lower() for tag in sorted(one.tags) if not dns_fault(tag)]
            names.update({f"{tag}.{service}.service.{domain}": None for tag in tags})
    return tuple(names)[:NAMES]


def _agent(endpoint: Endpoint, token: str) -> consul.Consul:
    agent = consul.Consul(
        host=endpoint[0], port=endpoint[1], scheme="http", connections_timeout=stretched(ANSWER_SECONDS)
    )
    # The library would let CONSUL_HTTP_TOKEN of the user's environment count more, and some of its calls send no token.
    agent.token = None
    agent.http.session.headers["X-Consul-Token"] = token
    # A tunnel's end on this machine is not to be asked for through the machine's proxy.
    agent.http.session.trust_env = False
    return agent


def _instance(entry: Mapping[str, Any]) -> Instance:
    service = entry["Service"]
    return Instance(
        id=service["ID"],
        service=service["Service"],
        node=entry["Node"]["Node"],
        address=service["Address"] or entry["Node"]["Address"],
        port=service["Port"],
        tags=frozenset(service["Tags"] or ()),
        passing=all(check["Status"] == "passing" for check in entry["Checks"]),
        maintenance=maintenance.among(entry["Checks"], service["ID"]),
        registrator=(service.get("Meta") or {}).get(MARK_HOST, ""),
    )
