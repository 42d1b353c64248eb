"""Resolve names of the catalog as programs do: with the system's resolver, on hosts and in containers."""

from collections.abc import Callable, Mapping

import pytest

from rollcall.verify.check_error import CheckError, wait_until_none
from rollcall.verify.cluster import Cluster
from rollcall.verify.dns_message import Answer
from rollcall.verify.host_probe import HostProbe

# An agent's data is at most 2 s old (max_stale); a lookup itself takes far less.
CATCH_UP_TIMEOUT_SECONDS = 5
Report = Callable[[str], None]
Look = Callable[[HostProbe], Mapping[str, frozenset[str]]]


def _agent(probe: HostProbe) -> Mapping[str, frozenset[str]]:
    return {name: said.addresses if said else frozenset() for name, said in probe.agent.items()}


WAYS: dict[str, tuple[str, Look, str]] = {
    "hosts": ("the resolver of every host", lambda probe: probe.system, "getent hosts {name}"),
    "containers": (
        "the resolver of a container on every host",
        lambda probe: probe.inside,
        "docker run --rm --env SERVICE_IGNORE=true --entrypoint getent {image} hosts {name}",
    ),
    "agents": ("every agent's DNS on port 8600", _agent, "dig @127.0.0.1 -p 8600 {name}"),
}


def _allowed(cluster: Cluster) -> dict[str, set[str]]:
    """Return the addresses that each name may have; DNS returns some of many, so a response may lack some."""
    drained = cluster.catalog.drained_nodes()
    servers = {server.address for server in cluster.fleet.servers if server.node not in drained}
    allowed = {f"consul.service.{cluster.domain}": servers}
    for instance in cluster.catalog.instances():
        for prefix in ("", *(f"{tag}." for tag in instance.tags)):
            name = f"{prefix}{instance.service}.service.{cluster.domain}".lower()
            allowed.setdefault(name, set()).update([instance.address] if instance.passing else [])
    return allowed


@pytest.mark.parametrize("way", WAYS)
def test_names_of_the_catalog(cluster: Cluster, passed: Report, way: str) -> None:
    """Names of the catalog resolve"""
    who, look, command = WAYS[way]
    wrong: list[tuple[str, str, str]] = []

    def problems() -> list[str]:
        wrong[:] = _wrong_answers(cluster, look)
        return [f"{host}: {name} {problem}" for host, name, problem in wrong]

    def again() -> None:
        cluster.probe_again(CATCH_UP_TIMEOUT_SECONDS, {host for host, _, _ in wrong})

    left = wait_until_none(problems, CATCH_UP_TIMEOUT_SECONDS, cluster.begun, again)
    if left:
        host, name, _ = wrong[0]
        command = command.format(name=name, image=cluster.fleet.member(host).settings.consul.image)
        raise CheckError(f"{len(cluster.names)} names known to {who}", left, cluster.command_line(host, command))
    names = sorted(cluster.names, key=lambda name: (-name.count("."), name))
    passed(f"{who} returns passing instances: {len(names)} names, such as {', '.join(names[:2])}")


def _wrong_answers(cluster: Cluster, look: Look) -> list[tuple[str, str, str]]:
    """Return the host, the name and the fault of each wrong response."""
    allowed = _allowed(cluster)
    found = []
    for host, probe in cluster.probes.items():
        answers = look(probe)
        # A service may have stopped passing since the names were chosen.
        for name in [name for name in cluster.names if allowed.get(name)]:
            given = answers.get(name, frozenset())
            if not given or given - allowed[name]:
                said = f"returns {', '.join(sorted(given))}" if given else "returns nothing"
                found.append((host, name, f"{said}, expected {', '.join(sorted(allowed[name]))}"))
    return found


def test_other_names_as_before(cluster: Cluster, passed: Report) -> None:
    """Names outside Consul resolve as with the host's earlier name server"""
    problems, asked = [], set()
    for host, probe in cluster.probes.items():
        if not probe.before:
            problems.append(f"{host}: its resolv.conf has no other name server than Rollcall's")
        for name, before in probe.before.items():
            asked.add(name)
            for where, found in (("the host", probe.system), ("a container", probe.inside)):
                now = {address for address in found.get(name, ()) if ":" not in address}
                if bool(now) != bool(before and before.addresses):
                    problems.append(
                        f"{host}: for {where}, {name} is {', '.join(sorted(now)) or 'unknown'}; "
                        f"its earlier name server returns {_said(before)}"
                    )
    if problems:
        host = problems[0].split(":")[0]
        raise CheckError("the same responses as before", problems, cluster.command_line(host, "cat /etc/resolv.conf"))
    passed(f"other names resolve as before: {', '.join(sorted(asked))}")


def _said(answer: Answer | None) -> str:
    return "nothing" if answer is None else ", ".join(sorted(answer.addresses)) or answer.code
