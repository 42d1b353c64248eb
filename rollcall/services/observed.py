"""Judge the containers of a slot from what Docker, the host's Consul agent and the fronts say. No I/O."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from rollcall.config.settings import Front
from rollcall.contract import route_metadata, stream_metadata
from rollcall.contract.maintenance_checks import NODE_MAINTENANCE, SERVICE_MAINTENANCE
from rollcall.registrator.services.identity import MARK_CONTAINER

# The reason in Consul by which a release knows its own maintenance.
REASON = "rollcall release"
# A program that cannot start exits within the first second; so many restarts are no accident.
STEADY_SECONDS = 2.0
MOST_RESTARTS = 3
SHORT_ID = 12

Document = Mapping[str, Any]


@dataclass(frozen=True)
class Running:
    """A container as Docker sees it; `age` is in seconds, since its last start."""

    name: str
    identity: str
    spec: str
    runs: bool
    restarting: bool
    restarts: int
    exit_code: int
    health: str
    health_output: str
    age: float
    image: str = ""
    created: str = ""

    @property
    def crashes(self) -> bool:
        """Whether its program exits again and again."""
        return self.restarts >= MOST_RESTARTS or not (self.runs or self.restarting)

    @property
    def end(self) -> str:
        """How its program ended, for the user; while it is restarted again, Docker has forgotten the exit code."""
        code = "" if self.runs else f" (exit code {self.exit_code})"
        return f"its program exits{f', {self.restarts} times so far' if self.restarts else ''}{code}"


@dataclass(frozen=True)
class Registered:
    """A port of a container in Consul. `faults` are its checks that do not pass, each with its last output."""

    identity: str
    service: str
    tags: tuple[str, ...] = ()
    meta: Mapping[str, str] = field(default_factory=dict)
    faults: tuple[str, ...] = ()
    maintenance: str | None = None


def containers(output: str) -> dict[str, Running]:
    """Parse the output of commands.inspect, by name.

    Raises:
        ValueError: it is malformed.
    """
    clock, *lines = output.strip().splitlines()
    found = (_running(json.loads(line), float(clock)) for line in lines if line)
    return {one.name: one for one in found}


def _running(document: Document, clock: float) -> Running:
    state = document["state"]
    health = state.get("Health") or {}
    log = health.get("Log") or [{}]
    return Running(
        name=document["name"].lstrip("/"),
        identity=document["id"],
        spec=document["spec"] or "",
        runs=bool(state.get("Running")) and not state.get("Restarting") and not state.get("Paused"),
        restarting=bool(state.get("Restarting")),
        restarts=int(document["restarts"] or 0),
        exit_code=int(state.get("ExitCode") or 0),
        health=str(health.get("Status") or "none"),
        health_output=str(log[-1].get("Output") or "").strip(),
        age=clock - datetime.fromisoformat(state["StartedAt"]).timestamp(),
        image=document["image"],
        created=document["created"],
    )


def registered(services: Mapping[str, Document], checks: Mapping[str, Document], identity: str) -> list[Registered]:
    """Return a container's services, from the responses to /v1/agent/services and /v1/agent/checks."""
    return [
        _registered(service, [check for check in checks.values() if check.get("ServiceID") == service["ID"]])
        for service in services.values()
        if (service.get("Meta") or {}).get(MARK_CONTAINER) == identity[:SHORT_ID]
    ]


def _registered(service: Document, checks: Sequence[Document]) -> Registered:
    mark = f"{SERVICE_MAINTENANCE}{service['ID']}"
    maintenance = [str(check.get("Notes") or "") for check in checks if check["CheckID"] == mark]
    faults = [
        f"{check['Name']} is {check['Status']}: {' '.join(str(check.get('Output') or 'no output yet').split())}"
        for check in checks
        if check["CheckID"] != mark and check["Status"] != "passing"
    ]
    return Registered(
        identity=service["ID"],
        service=service["Service"],
        tags=tuple(service.get("Tags") or ()),
        meta=service.get("Meta") or {},
        faults=tuple(faults),
        maintenance=maintenance[0] if maintenance else None,
    )


@dataclass(frozen=True)
class Instance:
    """A service's instance in the catalog: its name, its node, and its id there."""

    service: str
    node: str
    identity: str


def no_longer_serving(wanted: Iterable[Instance], found: Iterable[Document]) -> list[str]:
    """Say of each instance why it does not pass; one that a person took out of service is none of them.

    Args:
        wanted: the instances.
        found: the entries of the responses to /v1/health/service/NAME.
    """
    checks = {(one["Node"]["Node"], one["Service"]["ID"]): one["Checks"] for one in found}
    faults = []
    for one in wanted:
        own = checks.get((one.node, one.identity))
        if own is None:
            faults.append(f"{one.identity} is not registered any more")
        elif not any(check["CheckID"].startswith((NODE_MAINTENANCE, SERVICE_MAINTENANCE)) for check in own):
            failing = [check for check in own if check["Status"] != "passing"]
            faults += [
                f"{one.identity} does not serve any more ({check['Name']} is {check['Status']}: "
                f"{' '.join(str(check.get('Output') or 'no output').split())})"
                for check in failing[:1]
            ]
    return faults


def node_is_drained(checks: Collection[str]) -> bool:
    """Return whether somebody took the whole host out of service."""
    return NODE_MAINTENANCE in checks


def waits_for(container: Running, ports: Sequence[Registered], expected: int) -> list[str]:
    """Return why a container does not serve yet, as Docker and Consul see it; nothing if it does.

    Args:
        container: the container.
        ports: its services in Consul.
        expected: how many services it should have; 0 for a worker.
    """
    if not container.runs:
        return [f"it does not run (exit code {container.exit_code})"]
    if container.health not in ("none", "healthy"):
        output = f": {' '.join(container.health_output.split())}" if container.health_output else ""
        return [f"its HEALTHCHECK says {container.health}{output}"]
    if not expected:
        return [] if container.health == "healthy" or container.age > STEADY_SECONDS else ["it has only just started"]
    if len(ports) < expected:
        return [f"{len(ports)} of its {expected} ports are registered in Consul"]
    return [fault for one in ports for fault in one.faults]


def missing_at(document: str, front: Front, node: str, ports: Iterable[Registered]) -> list[str]:
    """Return those of a container's services that a front should list and does not.

    A front should list what its settings or the container's metadata route, as soon as it lists another instance of it:
    a service that lost its route to another one is never listed.

    Raises:
        ValueError: the document is not a front's status document.
    """
    try:
        services = {one["name"]: one["instances"] for one in json.loads(document)["services"]}
        own = [one for one in ports if _routed(front, one)]
        listed = {
            (name, one["node"], one["id"])
            for name, instances in services.items()
            for one in instances
            if one["listed_since"]
        }
    except (KeyError, TypeError) as error:
        raise ValueError(f"not a front's status document: {error} is missing") from None
    identities = {one.identity for one in own}
    others = {name for name, at, identity in listed if not (at == node and identity in identities)}
    return [one.identity for one in own if one.service in others and (one.service, node, one.identity) not in listed]


def _routed(front: Front, port: Registered) -> bool:
    queries = (
        *front.services,
        *(route.service for route in front.routes),
        *(stream.service for stream in front.streams),
    )
    asked = (query.rpartition(".") for query in queries)
    by_name = any(name == port.service and (not dot or tag in port.tags) for tag, dot, name in asked)
    return by_name or bool(route_metadata.host_names(port.meta)) or stream_metadata.requests(port.meta)
