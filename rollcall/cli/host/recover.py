"""`rollcall recover`: bring a fleet back from the Consul servers that remain when most are gone for good."""

import time

import click

from rollcall import waiting
from rollcall.cli.parameters import inventory_argument
from rollcall.components.loading import checked_fleet
from rollcall.config.fleet import Fleet
from rollcall.config.inventory import Host, Inventory
from rollcall.console import out, step
from rollcall.consul.agent_client import AgentClient
from rollcall.contract.timeouts import stretched
from rollcall.errors import RollcallError
from rollcall.hosts import recovery
from rollcall.hosts.recovery import Recovery, Server
from rollcall.remote import parallel
from rollcall.secrets.deployed import read_secrets

LEADER_TIMEOUT_SECONDS = 60.0
POLL_SECONDS = 1.0


@click.command()
@inventory_argument
@click.option("--yes", is_flag=True, help="Skip the confirmation.")
def recover(source: str, yes: bool) -> None:
    """Bring the fleet of INVENTORY back when most of its Consul servers are gone for good.

    The servers that remain become the whole cluster, with the keys and tokens that they have. Says first what may be
    lost. While enough servers are left to elect a leader, it refuses.
    """
    started = time.monotonic()
    chosen, fleet = checked_fleet(source)
    token = read_secrets(source, chosen, fleet, "rollcall recover").tokens.secret("management")
    hosts = {host.name: host for host in chosen.hosts}
    with step("Reading Consul's servers"):
        plan = _plan(source, chosen, fleet, token)
    if plan is None:
        out.print(f"Consul has a leader; nothing to recover. Next: rollcall status {source}")
        return
    for sentence in plan.warnings:
        out.print(f"– {sentence}", markup=False)
    names = [server.name for server in plan.survivors]
    if not yes:
        click.confirm(f"Go on with {', '.join(names)} as the only Consul servers?", abort=True, err=True)
    with step(f"{', '.join(names)} restart{'s' if len(names) == 1 else ''} as the whole cluster"):
        _restart(plan, [hosts[name] for name in names], token)
    out.print(
        f"\n[green]Recovered[/] from {', '.join(names)} in {time.monotonic() - started:.1f} s, without "
        f"{', '.join(peer.node for peer in plan.gone)}. Next: list new hosts, or these once they are emptied, in "
        f"consul_servers of {source}; then: rollcall deploy {source}; for a host that never comes back: "
        f"rollcall forget {source} HOST"
    )


def _plan(source: str, chosen: Inventory, fleet: Fleet, token: str) -> Recovery | None:
    """Read the servers until they either have a leader or have given up one; return the recovery."""
    from rollcall.hosts import survivor

    end = time.monotonic() + stretched(survivor.SETTLE_TIMEOUT_SECONDS)
    while True:
        found, silent = _servers(chosen, fleet, token)
        is_last = time.monotonic() > end or not found
        try:
            plan = recovery.plan(found, silent, source)
            if plan is None or is_last:
                return plan
        except RollcallError:
            if is_last:
                raise
        time.sleep(POLL_SECONDS)


def _servers(chosen: Inventory, fleet: Fleet, token: str) -> tuple[list[Server], dict[str, str]]:
    hosts = {host.name: host for host in chosen.hosts}
    reachable = [member for member in fleet.servers if member.name in hosts]
    nodes = {member.address: member.node for member in fleet.members}
    read = parallel.on_each(reachable, lambda member: _server(hosts[member.name], member.address, nodes, token))
    silent = {member.name: said for member, said in zip(reachable, read, strict=True) if isinstance(said, str)}
    return [one for one in read if isinstance(one, Server)], silent


def _server(host: Host, address: str, nodes: dict[str, str], token: str) -> Server | str:
    from rollcall.hosts import survivor

    try:
        return survivor.read(host, address, nodes, token)
    except RollcallError as problem:
        return str(problem)


def _restart(plan: Recovery, hosts: list[Host], token: str) -> None:
    from rollcall.hosts import survivor
    from rollcall.hosts.membership import Membership

    for host in hosts:
        survivor.stop(host)
    for host in hosts:
        survivor.start_with(host, plan.peers_file)
    membership = Membership(AgentClient(hosts[-1], token))

    def is_led() -> bool:
        try:
            return any(server.get("Leader") for server in (membership.servers() or {}).values())
        except RollcallError:
            return False

    if not waiting.until(is_led, stretched(LEADER_TIMEOUT_SECONDS)):
        raise RollcallError(
            f"no leader after {stretched(LEADER_TIMEOUT_SECONDS):g} s; docker logs consul on "
            f"{' and '.join(host.name for host in hosts)}"
        )
    for peer in plan.gone:
        membership.force_out(peer.node)
