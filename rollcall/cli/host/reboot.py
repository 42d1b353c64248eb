"""`rollcall reboot`: restart hosts one at a time, each out of service meanwhile."""

import time
from dataclasses import dataclass

import click

from rollcall import waiting
from rollcall.cli.failures import way_back
from rollcall.cli.host import one_host
from rollcall.cli.host.one_host import View, deadline_option
from rollcall.cli.parameters import inventory_argument
from rollcall.components.loading import checked_fleet
from rollcall.config.fleet import Fleet, Member
from rollcall.config.inventory import Inventory
from rollcall.console import out, step
from rollcall.consul import maintenance
from rollcall.consul.agent_client import AgentClient, Request
from rollcall.contract.maintenance_checks import NODE_MAINTENANCE
from rollcall.contract.timeouts import stretched
from rollcall.drain.draining import Draining, alone_sentence
from rollcall.drain.target import Target
from rollcall.errors import RollcallError
from rollcall.hosts import quorum, restart
from rollcall.hosts.restart import Before
from rollcall.remote import connectivity

# By this reason a repeated command knows that it took the host out itself.
REASON = "rollcall reboot"
VOTER_TIMEOUT_SECONDS = 60.0


@click.command()
@inventory_argument
@click.argument("names", metavar="HOST…", nargs=-1, required=True)
@deadline_option
@click.option(
    "--timeout",
    type=click.FloatRange(min=1),
    default=restart.BOOT_TIMEOUT_SECONDS,
    metavar="SECONDS",
    help=f"How long a host may take to come back; by default {restart.BOOT_TIMEOUT_SECONDS:g}.",
)
@click.option("--yes", is_flag=True, help="Skip the confirmation.")
def reboot(source: str, *, names: tuple[str, ...], deadline: float, timeout: float, yes: bool) -> None:
    """Restart hosts of INVENTORY one at a time, Consul's leader last.

    Each is drained (see --deadline), restarts, and goes back into service once its services pass their checks again and
    its Consul server votes. A host that was drained before stays drained.
    """
    started = time.monotonic()
    chosen, fleet = checked_fleet(source)
    members = list({one.name: one for one in (one_host.member_of(source, name, fleet) for name in names)}.values())
    hosts = [one_host.host_of(chosen, member) for member in members]
    if local := [host.name for host in hosts if host.connector == "local"]:
        raise RollcallError(f"{local[0]} is this machine, which would end this command; restart it yourself")
    connectivity.check(hosts)
    for sentence in _remarks(fleet, members):
        out.print(f"– {sentence}", markup=False)
    if not yes:
        click.confirm(f"Restart {', '.join(member.name for member in members)}?", abort=True, err=True)
    left = list(members)
    while left:
        work = _Work(source, chosen, fleet, _next(source, chosen, fleet, left), deadline, timeout)
        work.run()
        left = [member for member in left if member.name != work.member.name]
    out.print(
        f"\n[green]Restarted[/] {', '.join(member.name for member in members)} in {time.monotonic() - started:.1f} s. "
        f"Next: rollcall status {source}"
    )


def _remarks(fleet: Fleet, members: list[Member]) -> list[str]:
    fronts = [member.name for member in members if member.is_front]
    if fronts and len(fleet.fronts) == 1:
        return [f"{fronts[0]} is the only front; clients get no response while it restarts"]
    return []


def _next(source: str, chosen: Inventory, fleet: Fleet, left: list[Member]) -> Member:
    """Return the first of the hosts that is not Consul's leader now."""
    if len(left) == 1 or len(fleet.members) == 1:
        return left[0]
    servers = one_host.view(source, chosen, fleet, "", "rollcall reboot").membership.servers() or {}
    return next((member for member in left if not servers.get(member.node, {}).get("Leader")), left[0])


@dataclass(frozen=True)
class _Work:
    """The restart of one host."""

    source: str
    chosen: Inventory
    fleet: Fleet
    member: Member
    deadline: float
    timeout: float

    def run(self) -> None:
        """Restart the host. Raises RollcallError: it cannot go down now, or does not come back as it was."""
        name, host = self.member.name, one_host.host_of(self.chosen, self.member)
        witness = name if len(self.fleet.members) > 1 else ""
        seen = one_host.view(self.source, self.chosen, self.fleet, witness, "rollcall reboot")
        if why := quorum.pause_refusal(self.member.node, seen.membership.servers(), self.source):
            raise RollcallError(why)
        agent = AgentClient(host, seen.token)
        before = restart.look(host, agent)
        for container in before.left_down:
            out.print(f"– {container} on {name} has no restart policy and stays down", markup=False)
        drained = agent.read("/v1/agent/checks").get(NODE_MAINTENANCE)
        if drained and drained.get("Notes") != REASON:
            out.print(f"– {name} was drained before and stays drained", markup=False)
            self._restart(seen, agent, before)
            return
        with way_back(one_host.back_into_service(self.source, self.member)):
            self._drain(agent)
            self._restart(seen, agent, before)
            agent.write(maintenance.of_node(enable=False))

    def _drain(self, agent: AgentClient) -> None:
        draining = Draining(self.chosen, self.fleet, Target(self.member), agent)
        for service in draining.alone():
            out.print(alone_sentence(service), markup=False)
        one_host.drain(draining, self.member, self.deadline, REASON)

    def _restart(self, seen: View, agent: AgentClient, before: Before) -> None:
        self._hand_over(seen, agent)
        with step(f"{self.member.name} restarts"):
            restart.reboot(agent.host)
            restart.wait_for_boot(agent.host, before, self.timeout)
        with step(f"The services of {self.member.name} come back"):
            restart.wait_for_services(agent.host, agent, before)
            self._wait_for_vote(seen)

    def _hand_over(self, seen: View, agent: AgentClient) -> None:
        """Let another server lead first, which spares the fleet an election."""
        servers = seen.membership.servers() or {}
        if len(servers) > 1 and servers.get(self.member.node, {}).get("Leader"):
            agent.write(Request("POST", "/v1/operator/raft/transfer-leader"))

    def _wait_for_vote(self, seen: View) -> None:
        if not self.member.is_server:
            return

        def votes() -> bool:
            server = (seen.membership.servers() or {}).get(self.member.node, {})
            return bool(server.get("Healthy") and server.get("Voter"))

        if not waiting.until(votes, stretched(VOTER_TIMEOUT_SECONDS)):
            raise RollcallError(
                f"{self.member.name} is back, but its Consul server is no healthy voter after "
                f"{stretched(VOTER_TIMEOUT_SECONDS):g} s; it stays out of service; see rollcall status {self.source}"
            )
