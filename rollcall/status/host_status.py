"""What `rollcall status` reads of a host, in one command: its containers, its agent's services, and its front."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from rollcall import sections
from rollcall.components import consul, registrator
from rollcall.consul import agent_queries, maintenance
from rollcall.contract import local_agent
from rollcall.contract.status_document import VERSION, Document
from rollcall.contract.timeouts import stretched
from rollcall.converge import engine_failure
from rollcall.registrator.services.expected import Inspected
from rollcall.registrator.services.identity import MARK_CONTAINER, MARK_HOST

AGENT_URLS = " ".join(f"{local_agent.URL}/v1/agent/{what}" for what in ("services", "checks"))
LEADER_URL = f"{local_agent.URL}/v1/status/leader"
# The registrator's token reads what it wrote. `printf` is the shell's own, so the token is in no argument list; the
# host may have no curl, the agent's image has.
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
{health}
"""
FRONT = r"""
section front
docker exec front front status 2>&1
"""


@dataclass(frozen=True)
class Registered:
    """A service as the host's own agent has it; `state` is the worst of its checks, or maintenance."""

    identity: str
    service: str
    address: str
    port: int
    tags: tuple[str, ...]
    weight: int
    state: str
    # The host whose registrator wrote it, and the short id of its container; empty for another tool's.
    registrator: str = ""
    container: str = ""

    @property
    def endpoint(self) -> str:
        """Address and port as the front writes them."""
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"


@dataclass(frozen=True)
class Server:
    """A Consul server as autopilot judges it; `since` is when that last changed."""

    node: str
    healthy: bool
    since: datetime | None = None


@dataclass(frozen=True)
class HostReading:
    """What one host says.

    `containers` are those that run; `registered` is None where its agent tells nothing, `front` where the host has no
    front or it tells nothing. `complaints` say what could not be read, in a sentence each. `clock` is its own, seconds
    since 1970. `leader` is False where its agent knows none, None where it tells nothing. `servers` are Consul's as its
    autopilot judges them, None on a host without a server. `certificate` is its agent's, PEM.
    """

    containers: tuple[Inspected, ...] = ()
    registered: tuple[Registered, ...] | None = None
    front: Document | None = None
    complaints: tuple[str, ...] = field(default=())
    clock: float | None = None
    leader: bool | None = None
    servers: tuple[Server, ...] | None = None
    certificate: str = ""


def command(*, front: bool, server: bool) -> str:
    """Build the one command, for a host with a front or without, with a Consul server or a client."""
    body = (SCRIPT + (SERVERS if server else "") + (FRONT if front else "")).format(
        explain=engine_failure.FUNCTION,
        seconds=stretched(3),
        token=registrator.TOKEN,
        urls=AGENT_URLS,
        leader=LEADER_URL,
        certificate=f"{consul.FOLDER}/tls/agent.crt",
        health=agent_queries.command(agent_queries.HEALTH),
    )
    return sections.script(body)


def parse(output: str) -> HostReading:
    """Read the command's output.

    Raises:
        ValueError: it is not complete.
    """
    found = {title: sections.lines(text) for title, text in sections.read(output, ["containers", "agent"]).items()}
    complaints: list[str] = []
    return HostReading(
        containers=tuple(json.loads(line) for line in found["containers"]),
        registered=_registered(found["agent"], complaints),
        front=_front(found["front"], complaints) if "front" in found else None,
        complaints=tuple(complaints),
        clock=_number(found.get("clock", [])),
        leader=_leader(found.get("leader", [])),
        servers=_servers(found["servers"]) if "servers" in found else None,
        certificate="\n".join(found.get("certificate", [])),
    )


def _number(lines: list[str]) -> float | None:
    try:
        return float(lines[0])
    except (ValueError, IndexError):
        return None


def _leader(lines: list[str]) -> bool | None:
    """Tell whether the agent knows a leader: then it names an address. One without servers says so in a sentence."""
    if not lines:
        return None
    try:
        said = json.loads(lines[0])
    except ValueError:
        return False if "No known Consul servers" in lines[0] or "No cluster leader" in lines[0] else None
    return bool(said) if isinstance(said, str) else None


def _servers(lines: list[str]) -> tuple[Server, ...] | None:
    try:
        servers = json.loads(lines[0])["Servers"] or ()
        return tuple(Server(one["Name"], bool(one["Healthy"]), _time(one.get("StableSince"))) for one in servers)
    except (ValueError, IndexError, KeyError, TypeError):
        return None


def _time(text: str | None) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError:
        return None


def _registered(lines: list[str], complaints: list[str]) -> tuple[Registered, ...] | None:
    try:
        services, checks = (json.loads(line) for line in lines)
        return tuple(_service(one, checks.values()) for one in services.values())
    except (ValueError, AttributeError):
        said = lines[-1] if lines else "it does not answer"
        complaints.append(f"its Consul agent does not tell its services: {said}")
        return None


def _service(one: Mapping[str, Any], checks: Iterable[Mapping[str, Any]]) -> Registered:
    identity = str(one["ID"])
    return Registered(
        identity=identity,
        service=str(one["Service"]),
        address=str(one["Address"]),
        port=int(one["Port"]),
        tags=tuple(one.get("Tags") or ()),
        weight=int((one.get("Weights") or {}).get("Passing", 1)),
        state=_state(identity, checks),
        registrator=str((one.get("Meta") or {}).get(MARK_HOST, "")),
        container=str((one.get("Meta") or {}).get(MARK_CONTAINER, "")),
    )


def _state(identity: str, checks: Iterable[Mapping[str, Any]]) -> str:
    """Judge a service by its own checks and its node's; Consul makes a check of its own for a maintenance."""
    own = [one for one in checks if one["ServiceID"] in ("", identity)]
    if maintenance.among(own, identity):
        return "maintenance"
    states = {str(one["Status"]) for one in own}
    return next((state for state in ("critical", "warning") if state in states), "passing")


def _front(lines: list[str], complaints: list[str]) -> Document | None:
    try:
        found = json.loads(lines[-1]) if lines else None
    except ValueError:
        complaints.append(f"its front does not tell its status: {lines[-1]}")
        return None
    if not isinstance(found, dict):
        complaints.append("its front does not tell its status: it says nothing")
        return None
    if found.get("version") != VERSION:
        complaints.append(
            f"its front tells its status in version {found.get('version')}, and this Rollcall reads {VERSION}; "
            "deploy again, or use the Rollcall that deployed it"
        )
        return None
    return found
