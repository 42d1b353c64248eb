"""What the commands about single hosts share: the fleet as a host that stays sees it, and the drain of one."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import click

from rollcall.config.fleet import Fleet, Member
from rollcall.config.inventory import Host, Inventory
from rollcall.console import step
from rollcall.consul.agent_client import AgentClient
from rollcall.consul.pick_agent import pick_agent
from rollcall.did_you_mean import suggestion
from rollcall.drain.draining import Draining
from rollcall.errors import RollcallError
from rollcall.secrets.deployed import directory, read_secrets
from rollcall.secrets.private_directory import PrivateDirectory

if TYPE_CHECKING:
    from rollcall.hosts.membership import Membership

DEADLINE = 30.0  # seconds
deadline_option: Callable[[Callable[..., None]], Callable[..., None]] = click.option(
    "--deadline",
    type=click.FloatRange(min=0),
    default=DEADLINE,
    metavar="SECONDS",
    help=f"How long to wait for the last connection; by default {DEADLINE:g}. 0: do not wait.",
)


@dataclass(frozen=True)
class View:
    """A fleet as the agent of a host that stays sees it, with the management token."""

    membership: "Membership"
    folder: PrivateDirectory
    token: str


def view(source: str, chosen: Inventory, fleet: Fleet, leaving: str, command: str) -> View:
    """Look at the fleet from a host other than `leaving`, an inventory name; "" for any host.

    Raises:
        RollcallError: the secrets are missing, no other host has an agent that runs, or somebody deploys now.
    """
    from rollcall.hosts.membership import Membership

    others = tuple(host for host in chosen.hosts if host.name != leaving)
    if not others:
        raise RollcallError(f"{leaving} is the fleet's only host; run: rollcall remove {source}")
    token = read_secrets(source, chosen, fleet, command).tokens.secret("management")
    folder = PrivateDirectory(directory(source, chosen, command))
    membership = Membership(AgentClient(pick_agent(source, replace(chosen, hosts=others)), token))
    membership.check_unlocked()
    return View(membership, folder, token)


def named(name: str, fleet: Fleet) -> Member | None:
    """Return the host of that name, in the inventory or in Consul."""
    return next((member for member in fleet.members if name in (member.name, member.node)), None)


def member_of(source: str, name: str, fleet: Fleet) -> Member:
    """Return the host of that name. Raises RollcallError: the inventory has none."""
    if member := named(name, fleet):
        return member
    names = [member.name for member in fleet.members]
    raise RollcallError(f"unknown host {name!r}: {source} has none of that name; {suggestion(name, names)}")


def host_of(chosen: Inventory, member: Member) -> Host:
    """Return how to reach a host."""
    return next(host for host in chosen.hosts if host.name == member.name)


def back_into_service(source: str, member: Member) -> str:
    """Return how a drained host comes back."""
    return f"put {member.name} back into service: rollcall undrain {source} {member.name}"


def drain(draining: Draining, member: Member, deadline: float, reason: str) -> None:
    """Take a host out of service and wait until nothing is connected to it.

    Args:
        draining: its drain.
        member: the host.
        deadline: seconds to wait; 0 for no wait.
        reason: the reason that Consul shows.

    Raises:
        RollcallError: connections are left. The host stays out of service.
    """
    draining.start(reason)
    if not deadline:
        return
    with step(f"Waiting for the last connection to {member.name}"):
        if left := draining.wait(deadline):
            raise RollcallError(
                f"{member.name} is out of service, but after {deadline:g} s {draining.words(left)}; to wait longer, "
                f"run the same command again, or with --deadline 0 to go on"
            )


def forget(seen: View, node: str) -> None:
    """Make a fleet forget a node: its vote, its entries in gossip and catalog, its tokens, its certificates.

    Raises:
        RollcallError: the cluster still knows it.
    """
    with step(f"The cluster drops {node}"):
        seen.membership.force_out(node)
        seen.membership.wait_until_gone(node)
    with step(f"The tokens and certificates of {node} are removed"):
        seen.membership.revoke(node)
        for file in certificates(seen, node):
            seen.folder.remove(file)


def certificates(seen: View, node: str) -> list[str]:
    """Return the files of a node's certificates."""
    return [file for role in ("agent", "front") if seen.folder.has(file := f"{role}-{node}.crt.pem")]
