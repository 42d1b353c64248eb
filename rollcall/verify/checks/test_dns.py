"""Names of the catalog, asked for as programs ask: by the system's resolver, on hosts and in containers."""

from collections.abc import Callable, Mapping

import pytest

from rollcall.verify.check_error import CheckError, wait_until_none
from rollcall.verify.cluster import Cluster
from rollcall.verify.dns_message import Answer
from rollcall.verify.host_probe import Survey

# An agent answers from what it last heard, at most 2 s old (max_stale); a lookup of its own takes far less.
CATCH_UP_SECONDS = 5
Says = Callable[[str], None]
Look = Callable[[Survey], Mapping[str, frozenset[str]]]


def _agent(survey: Survey) -> Mapping[str, frozenset[str]]:
    return {name: said.addresses if said else frozenset() for name, said in survey.agent.items()}


WAYS: dict[str, tuple[str, Look, str]] = {
    "hosts": ("the resolver of every host", lambda survey: survey.system, "getent hosts {name}"),
    "containers": (
        "the resolver of a container on every host",
        lambda survey: survey.inside,
        "docker run --rm --env SERVICE_IGNORE=true --entrypoint getent {image} hosts {name}",
    ),
    "agents": ("every agent's DNS on port 8600", _agent, "dig @127.0.0.1 -p 8600 {name}"),
}


def _allowed(cluster: Cluster) -> dict[str, set[str]]:
    """Return the addresses that each name may have. DNS gives a few of many, so not all are in each answer."""
    drained = cluster.catalog.drained_nodes()
    servers = {server.address for server in cluster.fleet.servers if server.node not in drained}
    allowed = {f"consul.service.{cluster.domain}": servers}
    for one in cluster.catalog.instances():
        for prefix in ("", *(f"{tag}." for tag in one.tags)):
            name = f"{prefix}{one.service}.service.{cluster.domain}".lower()
            allowed.setdefault(name, set()).update([one.address] if one.passing else [])
    return allowed


@pytest.mark.parametrize("way", WAYS)
def test_names_of_the_catalog(cluster: Cluster, says: Says, way: str) -> None:
    """Names of the catalog resolve"""
    who, look, command = WAYS[way]
    wrong: list[tuple[str, str, str]] = []

    def problems() -> list[str]:
        if wrong:
            cluster.look()
        wrong[:] = _wrong_answers(cluster, look)
        return [f"{host}: {name} {problem}" for host, name, problem in wrong]

    left = wait_until_none(problems, CATCH_UP_SECONDS)
    if left:
        host, name, _ = wrong[0]
        command = command.format(name=name, image=cluster.fleet.member(host).settings.consul.image)
        raise CheckError(f"{who} to know {len(cluster.names)} names", left, cluster.shown(host, command))
    names = sorted(cluster.names, key=lambda name: (-name.count("."), name))
    says(f"{who} answers with passing instances: {len(names)} names, such as {', '.join(names[:2])}")


def _wrong_answers(cluster: Cluster, look: Look) -> list[tuple[str, str, str]]:
    """Return host, name and what is wrong with the answer."""
    allowed = _allowed(cluster)
    found = []
    for host, survey in cluster.surveys.items():
        answers = look(survey)
        # A service that has stopped passing since the names were chosen has no answer to give.
        for name in [name for name in cluster.names if allowed.get(name)]:
            given = answers.get(name, frozenset())
            if not given or given - allowed[name]:
                said = f"gives {', '.join(sorted(given))}" if given else "gives nothing"
                found.append((host, name, f"{said}, expected {', '.join(sorted(allowed[name]))}"))
    return found


def test_other_names_as_before(cluster: Cluster, says: Says) -> None:
    """Names outside Consul are answered as the host's earlier name server answers them"""
    problems, asked = [], set()
    for host, survey in cluster.surveys.items():
        if not survey.before:
            problems.append(f"{host}: its resolv.conf names no name server but Rollcall's")
        for name, before in survey.before.items():
            asked.add(name)
            for where, found in (("the host", survey.system), ("a container", survey.inside)):
                now = {address for address in found.get(name, ()) if ":" not in address}
                if bool(now) != bool(before and before.addresses):
                    problems.append(
                        f"{host}: for {where}, {name} is {', '.join(sorted(now)) or 'unknown'}; "
                        f"its earlier name server says {_said(before)}"
                    )
    if problems:
        host = problems[0].split(":")[0]
        raise CheckError("the same as before", problems, cluster.shown(host, "cat /etc/resolv.conf"))
    says(f"other names are answered as before: {', '.join(sorted(asked))}")


def _said(answer: Answer | None) -> str:
    return "nothing" if answer is None else ", ".join(sorted(answer.addresses)) or answer.code
