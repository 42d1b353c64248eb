"""Wait until a cluster and its containers are ready, and report what is not."""

import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from datetime import datetime

from pyinfra import logger
from pyinfra.api.host import Host
from pyinfra.api.state import State
from typing_extensions import override

from rollcall.consul.agent_queries import HEALTH, command
from rollcall.consul.servers import by_name
from rollcall.deploy import callbacks

# Names of the operations that only wait.
CONSUL_IS_READY = "Consul is ready"
CONTAINERS_STAY_UP = "Containers stay up"


def not_ready(response: str, servers: Iterable[str]) -> list[str]:
    """Return why a Consul cluster is not ready, judged by autopilot's health.

    Args:
        response: the body of /v1/operator/autopilot/health, which is JSON even when unhealthy.
        servers: node names of the servers that must all be healthy voters.
    """
    found = by_name(response)
    if found is None:
        return [no_leader(response)]
    missing = [problem for name in servers if (problem := _server_problem(name, found.get(name)))]
    if not any(server.get("Leader") for server in found.values()):
        missing.append("no leader")
    return missing


def no_leader(response: str) -> str:
    """Describe a response that is not autopilot's health."""
    return f"no leader ({response.strip() or 'the agent does not respond'})"


def _server_problem(name: str, server: Mapping[str, object] | None) -> str:
    if server is None:
        return f"{name} has not joined"
    if not server.get("Healthy"):
        return f"{name} is not healthy (serf: {server.get('SerfStatus')})"
    if not server.get("Voter"):
        return f"{name} is not a voter yet"
    return ""


# Prints name, whether it runs, start time, number of restarts, and health if it has a check.
INSPECT = (
    "docker inspect --format '{{.Name}} {{.State.Running}} {{.State.StartedAt}} {{.RestartCount}} "
    "{{if .State.Health}}{{.State.Health.Status}}{{else}}none{{end}}' "
)
# A program that cannot start exits within the first second; Docker counts its second start as a restart.
STEADY_SECONDS = 2.0


def unsteady(line: str, now: float) -> bool:
    """Return whether a container may not stay up yet.

    Args:
        line: the container's line of INSPECT.
        now: the host's clock, seconds since 1970.
    """
    _name, running, started, restarts, health = line.split()
    age = now - datetime.fromisoformat(started).timestamp()
    # "starting" lasts until its first health check, which may be a minute away: then its age decides.
    settled = health == "healthy" or (health != "unhealthy" and age > STEADY_SECONDS and restarts == "0")
    return not (running == "true" and settled)


class Readiness(ABC):
    """A condition to wait for on a host: for at most `deadline` seconds, until it holds for `steady` seconds."""

    steady = 0.0

    def __init__(self, deadline: float) -> None:
        """Take the deadline in seconds; send no request yet."""
        self.deadline = deadline

    @abstractmethod
    def missing(self, host: Host) -> list[str]:
        """Return what is missing on the host now; nothing if it is ready."""

    def __call__(self, state: State, host: Host) -> bool:
        """Wait; return False and log what is missing if the deadline passes, as pyinfra expects of a function."""
        end = time.monotonic() + self.deadline
        ready_since = None
        while True:
            missing, now = self.missing(host), time.monotonic()
            ready_since = None if missing else ready_since or now
            if ready_since is not None and now - ready_since >= self.steady:
                return True
            if missing and now > end:
                logger.error(f"{host.print_prefix}after {self.deadline:.0f} s: {'; '.join(missing)}")
                return False
            time.sleep(0.3)  # gevent lets other hosts continue meanwhile


class ConsulReady(Readiness):
    """The cluster has a leader, and every server is a healthy voter, as one of the servers sees it."""

    # Autopilot checks every 2 s: it may report a server as healthy for that long after it has gone.
    steady = 2.5

    def __init__(self, servers: tuple[str, ...], deadline: float) -> None:
        """Take the servers' node names."""
        super().__init__(deadline)
        self.servers = servers

    @override
    def missing(self, host: Host) -> list[str]:
        _, output = callbacks.run(host, command(HEALTH))
        return not_ready(output.stdout, self.servers)


class ContainersStayUp(Readiness):
    """Containers run and keep running."""

    def __init__(self, names: tuple[str, ...], deadline: float) -> None:
        """Take the containers' names."""
        super().__init__(deadline)
        self.names = names

    @override
    def missing(self, host: Host) -> list[str]:
        _, output = callbacks.run(host, f"date +%s.%N; {INSPECT}{' '.join(self.names)}")
        clock, *lines = output.stdout_lines
        found = {line.split()[0].lstrip("/"): line for line in lines}
        failing = [name for name in self.names if name not in found or unsteady(found[name], float(clock))]
        return [f"{name} does not stay up; {_last_words(host, name)}" for name in failing]


def _last_words(host: Host, name: str) -> str:
    _, output = callbacks.run(host, f"docker logs --tail 1 {name} 2>&1")
    return f"its log ends: {output.stdout.strip()}" if output.stdout.strip() else "its log is empty"
