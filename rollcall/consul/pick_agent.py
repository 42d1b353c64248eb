"""Choose the host whose Consul agent runs a user's command."""

from collections.abc import Sequence

from rollcall.config.inventory import Host, Inventory
from rollcall.errors import RollcallError
from rollcall.remote import connectivity, parallel
from rollcall.remote.run import Shell

RUNNING = "docker inspect --type=container --format={{.State.Running}} consul"


def pick_agent(source: str, chosen: Inventory) -> Host:
    """Return the first host whose agent runs: a server if the chosen hosts include one.

    Raises:
        RollcallError: no agent runs, with the reason for each.
    """
    hosts = chosen.group("consul_servers") or chosen.hosts
    problems = []
    for host in hosts:
        problem = _problem(host)
        if not problem:
            return host
        problems.append(f"{host.name} ({problem})")
    connectivity.check(hosts)
    raise RollcallError(f"no Consul agent runs on {', '.join(problems)}; deploy it: rollcall deploy {source}")


def without_agent(hosts: Sequence[Host]) -> list[str]:
    """Return the names of the hosts on which no agent runs."""
    problems = parallel.on_each(hosts, _problem, parallel.workers(len(hosts)))
    return [host.name for host, problem in zip(hosts, problems, strict=True) if problem]


def _problem(host: Host) -> str:
    try:
        result = Shell(host).run(RUNNING)
    except RollcallError as problem:
        return str(problem)
    if result.output.strip() == "true":
        return ""
    return result.reason if result.code else "its container does not run"
