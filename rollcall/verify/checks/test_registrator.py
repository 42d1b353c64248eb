"""Check that every host has a registrator, which uses the host's own agent."""

from collections.abc import Callable

from rollcall.verify.check_error import CheckError
from rollcall.verify.cluster import Cluster


def test_a_registrator_on_every_host(cluster: Cluster, passed: Callable[[str], None]) -> None:
    """A registrator runs on every host and uses its own agent"""
    problems = []
    for name, seen in cluster.probes.items():
        registrator = seen.component("registrator")
        if registrator is None:
            problems.append(f"{name}: no running container labelled rollcall.managed=registrator")
        elif not _local(registrator["Args"][-1]):
            problems.append(f"{name}: it uses {registrator['Args'][-1]}, not its own host's agent")
    if problems:
        host = problems[0].split(":")[0]
        command = cluster.command_line(host, "docker logs --tail 20 registrator")
        raise CheckError(f"one on each of {len(cluster.hosts)} hosts", problems, command)
    passed(f"a registrator runs on every host: {len(cluster.hosts)} of {len(cluster.hosts)}")


def _local(address: str) -> bool:
    return address.rsplit("//", maxsplit=1)[-1].startswith(("127.0.0.1", "localhost", "/", "[::1]"))
