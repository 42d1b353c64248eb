"""Restart a host's machine, and see when it and everything on it has come back."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rollcall import waiting
from rollcall.config.inventory import Host
from rollcall.consul.agent_client import AgentClient
from rollcall.consul.service_checks import longest_interval, passing
from rollcall.contract.timeouts import stretched
from rollcall.errors import RollcallError
from rollcall.registrator.services.identity import MARK_CONTAINER
from rollcall.remote.run import Shell

# A server's firmware may test its memory for minutes.
BOOT_TIMEOUT_SECONDS = 900.0
SERVICES_TIMEOUT_SECONDS = 120.0
# The kernel's own id of this boot, and when the first process started: a container restarts without its kernel.
BOOT = "cat /proc/sys/kernel/random/boot_id && awk '{print $22}' /proc/1/stat"
# In the background, so that the connection ends before the host does.
REBOOT = "nohup sh -c 'sleep 1; systemctl reboot || reboot' >/dev/null 2>&1 </dev/null &"
_POLICIES = """
running=$(docker ps --quiet --no-trunc) || exit 1
[ -z "$running" ] || docker inspect --format '{{.Id}} {{.Name}} {{.HostConfig.RestartPolicy.Name}}' $running
"""


@dataclass(frozen=True)
class Before:
    """A host before its restart: its boot, its services that pass, the containers that nothing starts again."""

    boot: str
    services: frozenset[str]
    seconds: float
    left_down: tuple[str, ...]


def look(host: Host, agent: AgentClient) -> Before:
    """Look at a host. Raises RollcallError: the host or its agent does not respond."""
    shell = Shell(host)
    once = _without_policy(shell.read(_POLICIES))
    services, checks = agent.read_all(["/v1/agent/services", "/v1/agent/checks"])
    return Before(
        boot=shell.read(BOOT),
        services=returning(services, passing(checks), once),
        seconds=longest_interval(checks),
        left_down=tuple(sorted(once.values())),
    )


def returning(services: Mapping[str, Any], passing_now: frozenset[str], once: Mapping[str, str]) -> frozenset[str]:
    """Return the services that pass now and will again: not those of containers that nothing starts again.

    Args:
        services: the response to /v1/agent/services.
        passing_now: the ids of those that pass.
        once: the names of containers without a restart policy, by id.
    """
    return frozenset(
        identity
        for identity in passing_now
        if not any(
            identifier.startswith(short)
            for identifier in once
            if (short := (services.get(identity, {}).get("Meta") or {}).get(MARK_CONTAINER))
        )
    )


def _without_policy(output: str) -> dict[str, str]:
    lines = (line.split() for line in output.splitlines() if line.strip())
    found = {identity: (name, policy) for identity, name, *policy in lines}
    return {identity: name.lstrip("/") for identity, (name, policy) in found.items() if policy in ([], ["no"])}


def reboot(host: Host) -> None:
    """Restart the machine. Raises RollcallError: the host does not respond."""
    Shell(host).read(REBOOT)


def wait_for_boot(host: Host, before: Before, seconds: float) -> None:
    """Wait until the machine has started again. Raises RollcallError: it has not."""
    last = ""

    def has_booted() -> bool:
        nonlocal last
        try:
            found = Shell(host).read(BOOT)
        except RollcallError as problem:
            last = str(problem)
            return False
        last = "it has not gone down yet"
        return found != before.boot

    if not waiting.until(has_booted, stretched(seconds)):
        raise RollcallError(f"{host.name} is not back after {stretched(seconds):g} s ({last}); it stays out of service")


def wait_for_services(host: Host, agent: AgentClient, before: Before) -> None:
    """Wait until the services that passed before pass again. Raises RollcallError: some do not."""
    missing: list[str] = []

    def are_back() -> bool:
        try:
            now = passing(agent.read("/v1/agent/checks"))
        except (RollcallError, json.JSONDecodeError) as problem:
            missing[:] = [str(problem)]
            return False
        missing[:] = sorted(before.services - now)
        return not missing

    longest = stretched(SERVICES_TIMEOUT_SECONDS) + before.seconds
    if not waiting.until(are_back, longest):
        raise RollcallError(
            f"{host.name} is back, but after {longest:g} s these do not pass as before: {', '.join(missing)}; it stays "
            "out of service"
        )
