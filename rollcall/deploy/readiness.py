"""Waiting for a cluster to be ready, and saying what is not."""

import json
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable
from datetime import datetime

from pyinfra import logger
from pyinfra.api.host import Host
from pyinfra.api.state import State
from typing_extensions import override

from rollcall.consul.agent_queries import HEALTH, command
from rollcall.deploy import callbacks


def not_ready(answer: str, servers: Iterable[str]) -> list[str]:
    """Say what keeps a Consul cluster from being ready, judged by autopilot's health.

    Args:
        answer: the body of /v1/operator/autopilot/health, which is JSON even when unhealthy.
        servers: node names of the servers that must all be healthy voters.
    """
    try:
        health = json.loads(answer)
        found = {server["Name"]: server for server in health["Servers"] or ()}
    except (ValueError, KeyError, TypeError):
        return [f"no leader ({answer.strip() or 'the agent does not answer'})"]
    missing = [problem for name in servers if (problem := _server_problem(name, found.get(name)))]
    if not any(server.get("Leader") for server in found.values()):
        missing.append("no leader")
    return missing


def _server_problem(name: str, server: dict[str, object] | None) -> str:
    if server is None:
        return f"{name} has not joined"
    if not server.get("Healthy"):
        return f"{name} is not healthy (serf: {server.get('SerfStatus')})"
    if not server.get("Voter"):
        return f"{name} is not a voter yet"
    return ""


# Name, whether it runs, when it started, how often it was restarted, its health if it has a check.
INSPECT = (
    "docker inspect --format '{{.Name}} {{.State.Running}} {{.State.StartedAt}} {{.RestartCount}} "
    "{{if .State.Health}}{{.State.Health.Status}}{{else}}none{{end}}' "
)
# Seconds. A program that cannot start ends within the first; Docker calls its second try a restart.
STEADY_SECONDS = 2.0


def unsteady(line: str, now: float) -> bool:
    """Tell whether a container, by its line of INSPECT, is not yet known to stay up.

    Args:
        line: what INSPECT printed of it.
        now: the host's clock, seconds since 1970.
    """
    _name, running, started, restarts, health = line.split()
    age = now - datetime.fromisoformat(started).timestamp()
    # "starting" lasts until the first look of its own check, which may be a minute away: then the clock tells.
    settled = health == "healthy" or (health != "unhealthy" and age > STEADY_SECONDS and restarts == "0")
    return not (running == "true" and settled)


class Readiness(ABC):
    """Something to wait for on a host. `deadline` is seconds to wait at most, `steady` how long it must hold."""

    steady = 0.0

    def __init__(self, deadline: float) -> None:
        """Nothing is asked before the readiness is called or looked at."""
        self.deadline = deadline

    @abstractmethod
    def missing(self, host: Host) -> list[str]:
        """Say what is missing on the host now; nothing when the readiness is open."""

    def __call__(self, state: State, host: Host) -> bool:
        """Wait; a function of pyinfra's, so False is a failure and what was missing is in the log."""
        end = time.monotonic() + self.deadline
        open_since = None
        while True:
            missing, now = self.missing(host), time.monotonic()
            open_since = None if missing else open_since or now
            if open_since is not None and now - open_since >= self.steady:
                return True
            if missing and now > end:
                logger.error(f"{host.print_prefix}after {self.deadline:.0f} s: {'; '.join(missing)}")
                return False
            time.sleep(0.3)  # between two looks; gevent lets other hosts go on meanwhile


class ConsulReady(Readiness):
    """A leader, and every server a healthy voter, as one of the servers sees it."""

    # Autopilot looks every 2 s: a server that has just gone may still be called healthy for so long.
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
    """Containers that run, and go on running."""

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
    return f"its log ends: {output.stdout.strip()}" if output.stdout.strip() else "it has said nothing"
