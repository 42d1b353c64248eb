"""`rollcall remove`: take everything off all hosts, or one host out of a fleet that goes on."""

import time

import click

from rollcall.cli.failures import way_back
from rollcall.cli.host.one_host import deadline_option
from rollcall.cli.parameters import inventory_argument
from rollcall.components.loading import checked_fleet, checked_for_removal
from rollcall.config.fleet import Fleet
from rollcall.config.inventory import Inventory
from rollcall.console import out, step
from rollcall.errors import RollcallError
from rollcall.remote import connectivity


@click.command()
@inventory_argument
@click.option("--host", "name", metavar="HOST", help="Only this host: drain it, and make the fleet forget it, too.")
@deadline_option
@click.option("--images", "take_images", is_flag=True, help="Remove the images, too, unless other containers use them.")
@click.option("--yes", is_flag=True, help="Skip the confirmation.")
def remove(source: str, *, name: str | None, deadline: float, yes: bool, take_images: bool) -> None:
    """Take everything off the hosts of INVENTORY that a deploy put there, Consul's data included.

    Images stay for the next deploy, unless --images removes them. With --host one host leaves a fleet that goes on: it
    is drained (see --deadline), leaves the cluster, loses everything, and the fleet forgets its tokens, its certificate
    and its node.
    """
    from rollcall.deploy import program

    program.begin()
    if take_images:
        from rollcall.deploy import images

        images.request_removal()
    if name:
        chosen, fleet = checked_fleet(source, reader=program.read)
        _remove_host(source, chosen, fleet, name, deadline=deadline, yes=yes)
        return
    chosen, problem = checked_for_removal(source, program.read)
    if problem:
        out.print(f"– {problem}. What runs of services is removed all the same.", markup=False)
    connectivity.check(chosen.hosts)
    if not yes:
        click.confirm(f"Remove Rollcall and Consul's data from {len(chosen.hosts)} hosts?", abort=True, err=True)
    program.run(chosen, "remove.py", ["-y"])
    out.print(f"\n[green]Removed.[/] To have it back: rollcall deploy {source}")


def _remove_host(source: str, chosen: Inventory, fleet: Fleet, name: str, *, deadline: float, yes: bool) -> None:
    from rollcall.cli.host import one_host
    from rollcall.consul.agent_client import AgentClient
    from rollcall.deploy import program
    from rollcall.drain.draining import Draining, alone_sentence
    from rollcall.drain.target import Target
    from rollcall.hosts import departure, quorum

    started = time.monotonic()
    member = one_host.member_of(source, name, fleet)
    host = one_host.host_of(chosen, member)
    seen = one_host.view(source, chosen, fleet, member.name, "rollcall remove")
    try:
        connectivity.check([host])
    except RollcallError as problem:
        raise RollcallError(f"{problem}; if it is dead for good: rollcall forget {source} {member.name}") from None
    if why := quorum.refusal(member.node, seen.membership.servers(), source):
        raise RollcallError(why)
    draining = None
    if departure.agent_runs(host):
        draining = Draining(chosen, fleet, Target(member), AgentClient(host, seen.token))
    for sentence in quorum.remarks(fleet, member):
        out.print(f"– {sentence}", markup=False)
    for service in draining.alone() if draining else ():
        out.print(alone_sentence(service), markup=False)
    if not yes:
        click.confirm(f"Take {member.name} out of the fleet, and everything off it?", abort=True, err=True)
    back = one_host.back_into_service(source, member)
    if draining:
        with way_back(back):
            one_host.drain(draining, member, deadline, "rollcall remove")
    with way_back(f"keep {member.name}: rollcall deploy {source}; then {back}"):
        if draining:
            with step(f"{member.name} leaves the cluster"):
                departure.leave(host, seen.token)
                seen.membership.wait_until_gone(member.node)
        program.run(chosen, "remove.py", ["-y", "--limit", member.name])
        one_host.forget(seen, member.node)
    out.print(
        f"\n[green]Removed[/] {member.name} from the fleet in {time.monotonic() - started:.1f} s. Next: take it out of "
        f"{source}, then: rollcall deploy {source}"
    )
