"""Check that Rollcall's own containers run, and are healthy if they have a health check."""

from collections.abc import Callable

from rollcall.components import jobs
from rollcall.converge import health_check
from rollcall.converge.docker_query import LABEL
from rollcall.registrator.services.expected import Inspected
from rollcall.verify.check_error import CheckError
from rollcall.verify.cluster import Cluster


def test_every_container_runs(cluster: Cluster, passed: Callable[[str], None]) -> None:
    """Rollcall's containers run"""
    problems, count, broken = [], 0, []
    for host, seen in cluster.probes.items():
        for container in seen.managed:
            if container["Config"]["Labels"][LABEL] == jobs.NAME:
                continue  # the scheduler starts it at its times
            count += 1
            if state := _trouble(cluster, host, container):
                name = container["Name"].lstrip("/")
                problems.append(f"{host}: {name} is {state}")
                broken.append((host, name))
    if problems:
        host, name = broken[0]
        raise CheckError(
            f"{count} running containers", problems, cluster.command_line(host, f"docker logs --tail 20 {name}")
        )
    passed(f"Rollcall's containers run: {count} of {count}")


def _trouble(cluster: Cluster, host: str, container: Inspected) -> str:
    state = container["State"]
    if state["Status"] != "running":
        return f"{state['Status']} (exit code {state['ExitCode']}, restarted {container['RestartCount']} times)"
    unhealthy, check = (state.get("Health") or {}).get("Status") == "unhealthy", health_check.command(container)
    # The last check may be a minute old, as after a deploy that restarted the agent: look again now.
    if unhealthy and not (check and cluster.shells[host].run(check).code == 0):
        return "running, but unhealthy by its own check"
    return ""
