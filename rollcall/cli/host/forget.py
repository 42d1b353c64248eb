"""`rollcall forget`: make a fleet forget a host that is dead."""

import time

import click

from rollcall.cli.host import one_host
from rollcall.cli.parameters import inventory_argument
from rollcall.components.loading import checked_fleet
from rollcall.config.fleet import Fleet, Member
from rollcall.console import out
from rollcall.consul import members
from rollcall.consul.members import Agent
from rollcall.did_you_mean import suggestion
from rollcall.errors import RollcallError


@click.command()
@inventory_argument
@click.argument("name", metavar="HOST")
@click.option("--yes", is_flag=True, help="Skip the confirmation.")
def forget(source: str, name: str, yes: bool) -> None:
    """Make the fleet of INVENTORY forget HOST, which is dead: its vote, its node, its tokens, its certificate.

    HOST is a name in the inventory or in Consul. A host that runs leaves by `rollcall remove INVENTORY --host HOST`.
    """
    from rollcall.hosts import quorum

    started = time.monotonic()
    chosen, fleet = checked_fleet(source)
    member = one_host.named(name, fleet)
    node = member.node if member else name
    seen = one_host.view(source, chosen, fleet, member.name if member else "", "rollcall forget")
    agents = {agent.node: agent for agent in seen.membership.agents()}
    if node in agents and agents[node].alive:
        raise RollcallError(_runs(source, fleet, agents[node], member))
    if why := quorum.refusal(node, seen.membership.servers(), source):
        raise RollcallError(why)
    known = [*seen.membership.traces(node), *(["its certificate"] if one_host.certificates(seen, node) else [])]
    if not known and member is None:
        nodes = [*agents, *(other.node for other in fleet.members)]
        raise RollcallError(f"this fleet knows no host {name!r}; {suggestion(name, nodes)}")
    if not yes:
        click.confirm(f"Forget {', '.join(known) or 'nothing'} of {name}?", abort=True, err=True)
    one_host.forget(seen, node)
    inventory = f"take it out of {source}, then: " if member else ""
    out.print(
        f"[green]Forgot[/] {name} in {time.monotonic() - started:.1f} s: {', '.join(known) or 'nothing was left'}. "
        f"Next: {inventory}rollcall deploy {source}"
    )


def _runs(source: str, fleet: Fleet, agent: Agent, member: Member | None) -> str:
    """Refuse to forget an agent that runs: it would join again at once."""
    if member:
        return f"{member.name} runs; expected a dead host; run: rollcall remove {source} --host {member.name}"
    return (
        f"{members.words(agent)}, so it would join again at once; stop it (docker stop consul there) and run the same "
        f"command again, or {members.step(agent, source, fleet.names)}"
    )
