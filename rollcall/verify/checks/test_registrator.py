"""A registrator on every host, which talks to that host's own agent."""

from collections.abc import Callable

from rollcall.verify.check_error import CheckError
from rollcall.verify.cluster import Cluster


def test_a_registrator_on_every_host(cluster: Cluster, says: Callable[[str], None]) -> None:
    """A registrator runs on every host and talks to its own agent"""
    problems = []
    for name, seen in cluster.surveys.items():
        registrator = seen.component("registrator")
        if registrator is None:
            problems.append(f"{name}: no running container labelled rollcall.managed=registrator")
        elif not _local(registrator["Args"][-1]):
            problems.append(f"{name}: it talks to {registrator['Args'][-1]}, not to its own host's agent")
    if problems:
        host = problems[0].split(":")[0]
        command = cluster.shown(host, "docker logs --tail 20 registrator")
        raise CheckError(f"one on each of {len(cluster.hosts)} hosts", problems, command)
    says(f"registrator runs on every host: {len(cluster.hosts)} of {len(cluster.hosts)}")


def _local(address: str) -> bool:
    return address.rsplit("//", maxsplit=1)[-1].startswith(("127.0.0.1", "localhost", "/", "[::1]"))
