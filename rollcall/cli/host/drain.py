"""`rollcall drain` and `rollcall undrain`: take a host or a container out of service, and put it back."""

import json
import time
from collections.abc import Sequence

import click

from rollcall.cli.failures import way_back
from rollcall.cli.parameters import inventory_argument
from rollcall.components.loading import checked_fleet
from rollcall.config.fleet import Fleet
from rollcall.config.inventory import Inventory
from rollcall.console import out, print_to_stderr, step
from rollcall.consul import maintenance
from rollcall.consul.agent_client import AgentClient
from rollcall.contract.maintenance_checks import NODE_MAINTENANCE
from rollcall.drain import instances
from rollcall.drain.draining import Draining, alone_sentence, requests
from rollcall.drain.instances import Instance
from rollcall.drain.target import Target
from rollcall.drain.target import read as read_target
from rollcall.errors import RollcallError
from rollcall.remote import connectivity
from rollcall.remote.run import Shell
from rollcall.secrets.deployed import read_secrets

DEADLINE = 30.0  # seconds


@click.command()
@inventory_argument
@click.argument("text", metavar="HOST|HOST/CONTAINER")
@click.option(
    "--deadline",
    type=click.FloatRange(min=0),
    default=DEADLINE,
    metavar="SECONDS",
    help=f"How long to wait for the last connection; by default {DEADLINE:g}.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON document.")
def drain(source: str, text: str, deadline: float, as_json: bool) -> None:
    """Take a host, or one of its containers, out of service, and wait until its last connection ends.

    It keeps running, and stays out of service until rollcall undrain, over deploys and restarts. Exit code: 0 without
    a connection left, 1 if the deadline passed before.
    """
    if as_json:
        print_to_stderr()
    chosen, fleet, target, agent = _opened(source, text, "rollcall drain")
    draining = Draining(chosen, fleet, target, agent)
    alone = draining.alone()
    for service in alone:
        out.print(alone_sentence(service), markup=False)
    started = time.monotonic()
    with way_back(f"put {target} back into service: rollcall undrain {source} {text}"):
        draining.start()
        with step(f"Waiting for the last connection to {target}"):
            left = draining.wait(deadline)
            if as_json:
                result = {
                    "target": str(target),
                    "drained": not left,
                    "seconds": round(time.monotonic() - started, 1),
                    "instances": [instance.identity for instance in draining.drained],
                    "services_without_instances": alone,
                    "left": draining.words(left) if left else "",
                }
                click.echo(json.dumps(result, indent=2, ensure_ascii=False))
            if left:
                raise RollcallError(
                    f"{target} is out of service, but after {deadline:g} s {draining.words(left)}; to wait longer, run "
                    "the same command again"
                )
    seconds = time.monotonic() - started
    out.print(f"\n[green]Drained[/] {target} in {seconds:.1f} s. To put it back: rollcall undrain {source} {text}")


@click.command()
@inventory_argument
@click.argument("text", metavar="HOST|HOST/CONTAINER")
def undrain(source: str, text: str) -> None:
    """Put a drained host or container back into service."""
    _, _, target, agent = _opened(source, text, "rollcall undrain")
    found = instances.instances(agent.read("/v1/agent/services"))
    running = instances.containers(Shell(agent.host).read(instances.LIST)) if target.container else ()
    agent.write(*requests(target, instances.of(target, found, running), enable=False), missing_ok=True)
    out.print(f"[green]Back in service:[/] {target}", *_still_out(target, found, agent), sep="\n")


def _opened(source: str, text: str, command: str) -> tuple[Inventory, Fleet, Target, AgentClient]:
    chosen, fleet = checked_fleet(source)
    target = read_target(text, fleet.members)
    token = read_secrets(source, chosen, fleet, command).tokens.secret("operator")
    [host] = [host for host in chosen.hosts if host.name == target.member.name]
    connectivity.check([host])
    return chosen, fleet, target, AgentClient(host, token)


def _still_out(target: Target, found: Sequence[Instance], agent: AgentClient) -> list[str]:
    """Name what is still out of service by the other kind of maintenance."""
    checks = agent.read("/v1/agent/checks")
    if target.container:
        whole = NODE_MAINTENANCE in checks
        return [f"– but all of {target.member.name} is drained, including this container"] if whole else []
    alone = sorted(maintenance.in_maintenance([instance.identity for instance in found], checks))
    return [f"– but these containers are drained individually: {', '.join(alone)}"] if alone else []
