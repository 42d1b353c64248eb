"""Read a host for `rollcall status` in one command: its containers, its agent's services, and its front."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from rollcall import sections
from rollcall.components import consul, registrator
from rollcall.consul import agent_queries, maintenance, members
from rollcall.consul.members import Agent
from rollcall.consul.servers import by_name
from rollcall.contract import backups, jobs, local_agent
from rollcall.contract.backups import Record
from rollcall.contract.jobs import State
from rollcall.contract.status_document import VERSION, Document
from rollcall.contract.timeouts import stretched
from rollcall.converge import engine_failure
from rollcall.registrator.services.expected import Inspected
from rollcall.registrator.services.identity import MARK_CONTAINER, MARK_HOST

AGENT_URLS = " ".join(f"{local_agent.URL}/v1/agent/{what}" for what in ("services", "checks"))
LEADER_URL = f"{local_agent.URL}/v1/status/leader"
# The registrator's token may read its services. `printf` is a builtin, so the token is in no argument list; the
# agent's image has curl if the host does not.
SCRIPT = r"""
{explain}
section clock
date +%s.%N
section containers
running=$(docker ps -q --no-trunc 2>&1) || {{ explain_docker "$running" >&2; exit 91; }}
[ -z "$running" ] || docker inspect --format '{{{{json .}}}}' $running
ask() {{
  printf 'X-Consul-Token: %s\n' "$(cat {token} 2>/dev/null)" | "$@" -s --max-time {seconds:g} -w '\n' -H @-
}}
asked() {{ ask curl "$@" 2>/dev/null || ask docker exec -i consul curl "$@" 2>&1; }}
section agent
asked {urls}
section leader
asked {leader}
section certificate
cat {certificate} 2>/dev/null
"""
SERVERS = r"""
section servers
{cluster}
"""
FRONT = r"""
section front
docker exec front front status 2>&1
"""
JOBS = r"""
section jobs
look() {{ "$@" -s --max-time {seconds:g} -w '\n' {jobs}; }}
look curl 2>/dev/null || look docker exec consul curl 2>&1
"""

# What is read of a server, in this order.
_OF_SERVERS = (agent_queries.HEALTH, agent_queries.MEMBERS, backups.PATH, agent_queries.NODES)


@dataclass(frozen=True)
class Registered:
    """A service in the host's own agent; `state` is the worst of its checks, or maintenance."""

    identity: str
    service: str
    address: str
    port: int
    tags: tuple[str, ...]
    weight: int
    state: str
    # The host whose registrator wrote it, and its container's short id; "" for another tool's.
    registrator: str = ""
    container: str = ""

    @property
    def endpoint(self) -> str:
        """Return address:port as the front writes it."""
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"


@dataclass(frozen=True)
class Server:
    """A Consul server's health in autopilot; `since` is the last change of that.

    One that joined a moment ago has no vote: `voter` is False, and the quorum does not count it.
    """

    node: str
    healthy: bool
    since: datetime | None = None
    voter: bool = True


@dataclass(frozen=True)
class HostReading:
    """The reading of one host.

    `containers` are the running ones; `registered` is None if its agent does not respond, `front` without a front that
    responds. `complaints` name what could not be read, one sentence each. `clock` is its own, seconds since 1970.
    `leader` is False if its agent knows none, None if it does not respond. `servers` are Consul's in its autopilot,
    None on a host without a server; `agents` are those that it knows, `nodes` the catalog's ids by name.
    `certificate` is its agent's, PEM; `backup` is the fleet's newest timed backup, as far as it knows.
    `jobs` are the states of its jobs, None without a scheduler that responds.
    """

    containers: tuple[Inspected, ...] = ()
    registered: tuple[Registered, ...] | None = None
    front: Document | None = None
    complaints: tuple[str, ...] = field(default=())
    clock: float | None = None
    leader: bool | None = None
    servers: tuple[Server, ...] | None = None
    agents: tuple[Agent, ...] = ()
    nodes: Mapping[str, str] = field(default_factory=dict)
    certificate: str = ""
    backup: Record | None = None
    jobs: Mapping[str, State] | None = None


def command(*, front: bool, server: bool, scheduler: bool = False) -> str:
    """Return the command, for a host with or without a front and a scheduler, with a Consul server or a client."""
    parts = (SCRIPT, SERVERS if server else "", FRONT if front else "", JOBS if scheduler else "")
    body = "".join(parts).format(
        explain=engine_failure.FUNCTION,
        seconds=stretched(3),
        token=registrator.TOKEN,
        urls=AGENT_URLS,
        leader=LEADER_URL,
        certificate=f"{consul.FOLDER}/tls/agent.crt",
        cluster=agent_queries.command(*_OF_SERVERS),
        jobs=f"http://{jobs.ADDRESS}:{jobs.PORT}/jobs",
    )
    return sections.script(body)


def parse(output: str) -> HostReading:
    """Parse the command's output.

    Raises:
        ValueError: it is incomplete.
    """
    texts = sections.read(output, ["containers", "agent"])
    found = {title: sections.lines(text) for title, text in texts.items()}
    health, agents, backup, nodes = agent_queries.responses(texts.get("servers", ""), len(_OF_SERVERS))
    complaints: list[str] = []
    return HostReading(
        containers=tuple(json.loads(line) for line in found["containers"]),
        registered=_registered(found["agent"], complaints),
        front=_front(found["front"], complaints) if "front" in found else None,
        jobs=_jobs(found["jobs"], complaints) if "jobs" in found else None,
        complaints=tuple(complaints),
        clock=_number(found.get("clock", [])),
        leader=_leader(found.get("leader", [])),
        servers=_servers(health),
        agents=members.parse(agents),
        nodes=members.nodes(nodes),
        certificate="\n".join(found.get("certificate", [])),
        backup=backups.parse(backup),
    )


def _jobs(lines: list[str], complaints: list[str]) -> Mapping[str, State] | None:
    try:
        read = {name: jobs.read(json.dumps(state)) for name, state in json.loads(lines[-1]).items()}
        return {name: state for name, state in read.items() if state}
    except (ValueError, AttributeError, IndexError):
        complaints.append("cannot read the jobs of its scheduler: it does not respond")
        return None


def _number(lines: list[str]) -> float | None:
    try:
        return float(lines[0])
    except (ValueError, IndexError):
        return None


def _leader(lines: list[str]) -> bool | None:
    """Return whether the agent knows a leader, whose address it returns; without servers it returns a sentence."""
    if not lines:
        return None
    try:
        said = json.loads(lines[0])
    except ValueError:
        return False if "No known Consul servers" in lines[0] or "No cluster leader" in lines[0] else None
    return bool(said) if isinstance(said, str) else None


def _servers(health: str) -> tuple[Server, ...] | None:
    found = by_name(health)
    if found is None:
        return None
    try:
        return tuple(
            Server(name, bool(server["Healthy"]), _time(server.get("StableSince")), bool(server.get("Voter", True)))
            for name, server in found.items()
        )
    except KeyError:
        return None


def _time(text: str | None) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError:
        return None


def _registered(lines: list[str], complaints: list[str]) -> tuple[Registered, ...] | None:
    try:
        services, checks = (json.loads(line) for line in lines)
        return tuple(_service(service, checks.values()) for service in services.values())
    except (ValueError, AttributeError):
        said = lines[-1] if lines else "it does not respond"
        complaints.append(f"cannot read the services of its Consul agent: {said}")
        return None


def _service(service: Mapping[str, Any], checks: Iterable[Mapping[str, Any]]) -> Registered:
    identity = str(service["ID"])
    return Registered(
        identity=identity,
        service=str(service["Service"]),
        address=str(service["Address"]),
        port=int(service["Port"]),
        tags=tuple(service.get("Tags") or ()),
        weight=int((service.get("Weights") or {}).get("Passing", 1)),
        state=_state(identity, checks),
        registrator=str((service.get("Meta") or {}).get(MARK_HOST, "")),
        container=str((service.get("Meta") or {}).get(MARK_CONTAINER, "")),
    )


def _state(identity: str, checks: Iterable[Mapping[str, Any]]) -> str:
    """Return a service's state by its own checks and its node's; maintenance is a check, too."""
    own = [check for check in checks if check["ServiceID"] in ("", identity)]
    if maintenance.among(own, identity):
        return "maintenance"
    states = {str(check["Status"]) for check in own}
    return next((state for state in ("critical", "warning") if state in states), "passing")


def _front(lines: list[str], complaints: list[str]) -> Document | None:
    try:
        found = json.loads(lines[-1]) if lines else None
    except ValueError:
        complaints.append(f"cannot read the status of its front: {lines[-1]}")
        return None
    if not isinstance(found, dict):
        complaints.append("cannot read the status of its front: no response")
        return None
    if found.get("version") != VERSION:
        complaints.append(
            f"its front's status has version {found.get('version')}; expected version {VERSION}; "
            "deploy again, or use the Rollcall that deployed it"
        )
        return None
    return found
