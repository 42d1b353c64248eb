"""Waiting for a cluster to be ready, and saying what is not."""

import json
import time
from collections.abc import Iterable
from datetime import datetime

from pyinfra import logger
from pyinfra.api.host import Host
from pyinfra.api.state import State

# Asked inside the agent's own container: the image has curl, the host may not.
HEALTH_COMMAND = "docker exec consul curl -s --max-time 3 http://127.0.0.1:8500/v1/operator/autopilot/health"


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
LOOK = (
    "docker inspect --format '{{.Name}} {{.State.Running}} {{.State.StartedAt}} {{.RestartCount}} "
    "{{if .State.Health}}{{.State.Health.Status}}{{else}}none{{end}}' "
)
# Seconds. A program that cannot start ends within the first; Docker calls its second try a restart.
STEADY = 2.0


def unsteady(line: str, now: float) -> bool:
    """Tell whether a container, by its line of LOOK, is not yet known to stay up.

    Args:
        line: what LOOK printed of it.
        now: the host's clock, seconds since 1970.
    """
    _name, running, started, restarts, health = line.split()
    age = now - datetime.fromisoformat(started).timestamp()
    # A check of its own knows better than the clock.
    return not (running == "true" and (health == "healthy" or (health == "none" and age > STEADY and restarts == "0")))


def wait_for_containers(state: State, host: Host, names: tuple[str, ...], deadline: float) -> bool:
    """Wait until containers are known to stay up; an operation's function, so False is a failure.

    Args:
        state: pyinfra's.
        host: pyinfra's; where the containers are.
        names: the containers.
        deadline: seconds to wait at most.
    """
    end = time.monotonic() + deadline
    while True:
        _, output = host.run_shell_command(f"date +%s.%N; {LOOK}{' '.join(names)}")
        clock, *lines = output.stdout_lines
        failing = [line.split()[0].lstrip("/") for line in lines if unsteady(line, float(clock))]
        if not failing and len(lines) == len(names):
            return True
        if time.monotonic() > end:
            for name in failing:
                _, log = host.run_shell_command(f"docker logs --tail 1 {name} 2>&1")
                logger.error(f"{host.print_prefix}{name} does not stay up; it said: {log.stdout or 'nothing'}")
            return False
        time.sleep(0.3)  # between two looks; gevent lets other hosts go on meanwhile


def wait_for_consul(state: State, host: Host, servers: tuple[str, ...], deadline: float) -> bool:
    """Wait on one server until the cluster is ready; an operation's function, so False is a failure.

    Args:
        state: pyinfra's.
        host: pyinfra's; the server that is asked.
        servers: node names which must be healthy voters.
        deadline: seconds to wait at most.
    """
    end = time.monotonic() + deadline
    while True:
        _, output = host.run_shell_command(HEALTH_COMMAND)
        missing = not_ready(output.stdout, servers)
        if not missing:
            return True
        if time.monotonic() > end:
            logger.error(
                f"{host.print_prefix}Consul is not ready after {deadline:.0f} s: {'; '.join(missing)}; "
                f"look at: docker logs consul"
            )
            return False
        time.sleep(0.3)  # between two questions; gevent lets other hosts go on meanwhile
