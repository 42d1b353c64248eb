"""Which host's Consul agent a person's command goes to, and where it answers there."""

from rollcall.config.inventory import Host, Inventory
from rollcall.errors import RollcallError
from rollcall.remote import connectivity
from rollcall.remote.run import Shell

RUNNING = "docker inspect --type=container --format={{.State.Running}} consul"


def pick_agent(source: str, chosen: Inventory) -> Host:
    """Give the first host whose agent runs: a server if there is one among those chosen.

    Raises:
        RollcallError: none does; it says of each why.
    """
    hosts = chosen.group("consul_servers") or chosen.hosts
    complaints = []
    for host in hosts:
        complaint = _complaint(host)
        if not complaint:
            return host
        complaints.append(f"{host.name} ({complaint})")
    connectivity.check(hosts)
    raise RollcallError(f"no Consul agent runs on {', '.join(complaints)}; deploy it: rollcall deploy {source}")


def _complaint(host: Host) -> str:
    try:
        result = Shell(host).run(RUNNING)
    except RollcallError as problem:
        return str(problem)
    if result.output.strip() == "true":
        return ""
    return result.reason if result.code else "its container does not run"
