"""Names of the catalog, asked for as programs ask: by the system's resolver, on hosts and in containers."""

from collections.abc import Callable, Mapping

import pytest

from rollcall.cluster import Cluster
from rollcall.dns_message import Answer
from rollcall.finding import CheckError
from rollcall.survey import Survey

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
    allowed = {f"consul.service.{cluster.domain}": {server.address for server in cluster.fleet.servers}}
    for one in cluster.instances():
        for prefix in ("", *(f"{tag}." for tag in one.tags)):
            name = f"{prefix}{one.service}.service.{cluster.domain}"
            allowed.setdefault(name, set()).update([one.address] if one.passing else [])
    return allowed


@pytest.mark.parametrize("way", WAYS)
def test_names_of_the_catalog(cluster: Cluster, says: Says, way: str) -> None:
    """Names of the catalog resolve"""
    who, look, command = WAYS[way]
    allowed = _allowed(cluster)
    problems, asked, failed = [], set(), []
    for host, survey in cluster.surveys.items():
        answers = look(survey)
        names = [name for name in cluster.names if allowed.get(name)]
        asked.update(names)
        for name in names:
            found = answers.get(name, frozenset())
            wrong = found - allowed[name]
            if not found or wrong:
                said = f"gives {', '.join(sorted(wrong))}" if wrong else "gives nothing"
                wanted = ", ".join(sorted(allowed[name]))
                problems.append(f"{host}: {name} {said}, right is {wanted}")
                failed.append((host, name))
    if problems:
        host, name = failed[0]
        command = command.format(name=name, image=cluster.fleet.member(host).settings.consul.image)
        raise CheckError(f"{who} to know {len(asked)} names", problems, cluster.shown(host, command))
    names = sorted(asked, key=lambda name: (-name.count("."), name))
    says(f"{who} answers with passing instances: {len(asked)} names, such as {', '.join(names[:2])}")


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
