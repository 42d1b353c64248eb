"""`rollcall drain` and `rollcall undrain`: take a host or a container out of service, and put it back."""

import json
import time
from collections.abc import Sequence

import click

from rollcall.cli.parameters import inventory_argument
from rollcall.components.loading import checked_fleet
from rollcall.config.fleet import Fleet
from rollcall.config.inventory import Inventory
from rollcall.console import out, print_to_stderr, step
from rollcall.consul import maintenance
from rollcall.consul.agent_client import AgentClient, Request
from rollcall.contract.maintenance_checks import NODE_MAINTENANCE
from rollcall.drain import instances
from rollcall.drain.instances import Instance
from rollcall.drain.target import Target
from rollcall.drain.target import read as read_target
from rollcall.drain.waiting import DrainCheck, wait
from rollcall.errors import RollcallError
from rollcall.registrator.services.identity import path_segment
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
    running = instances.containers(Shell(agent.host).read(instances.LIST))
    drained = instances.of(target, instances.instances(agent.read("/v1/agent/services")), running)
    alone = _left_alone(agent, target, drained)
    for service in alone:
        out.print(f"– no other instance of {service} is in service; its requests will fail", markup=False)
    started = time.monotonic()
    agent.write(*_maintenance(target, drained, enable=True))
    hosts = {host.name: host for host in chosen.hosts}
    check = DrainCheck(fleet, target.member, drained, running, lambda name, command: Shell(hosts[name]).read(command))
    with step(f"Waiting for the last connection to {target}"):
        left = wait(check, deadline)
        if as_json:
            result = {
                "target": str(target),
                "drained": not left,
                "seconds": round(time.monotonic() - started, 1),
                "instances": [instance.identity for instance in drained],
                "services_without_instances": alone,
                "left": check.words(left) if left else "",
            }
            click.echo(json.dumps(result, indent=2, ensure_ascii=False))
        if left:
            raise RollcallError(
                f"{target} is out of service, but after {deadline:g} s {check.words(left)}; to wait longer, run the "
                f"same command again; to put it back: rollcall undrain {source} {text}"
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
    agent.write(*_maintenance(target, instances.of(target, found, running), enable=False))
    out.print(f"[green]Back in service:[/] {target}", *_still_out(target, found, agent), sep="\n")


def _opened(source: str, text: str, command: str) -> tuple[Inventory, Fleet, Target, AgentClient]:
    chosen, fleet = checked_fleet(source)
    target = read_target(text, fleet.members)
    token = read_secrets(source, chosen, fleet, command).tokens.secret("operator")
    [host] = [host for host in chosen.hosts if host.name == target.member.name]
    connectivity.check([host])
    return chosen, fleet, target, AgentClient(host, token)


def _maintenance(target: Target, chosen: Sequence[Instance], *, enable: bool) -> list[Request]:
    if not target.container:
        return [maintenance.of_node(enable=enable)]
    return [maintenance.of_service(instance.identity, enable=enable) for instance in chosen]


def _left_alone(agent: AgentClient, target: Target, drained: Sequence[Instance]) -> list[str]:
    """Return the services without any other instance in service than the drained ones."""
    names = sorted({instance.service for instance in drained})
    answers = agent.read_all([f"/v1/health/service/{path_segment(name)}?passing=true" for name in names])
    out_soon = {(target.member.node, instance.identity) for instance in drained}
    passing = [{(one["Node"]["Node"], one["Service"]["ID"]) for one in found} for found in answers]
    return [name for name, serving in zip(names, passing, strict=True) if serving and serving <= out_soon]


def _still_out(target: Target, found: Sequence[Instance], agent: AgentClient) -> list[str]:
    """Name what is still out of service by the other kind of maintenance."""
    checks = agent.read("/v1/agent/checks")
    if target.container:
        whole = NODE_MAINTENANCE in checks
        return [f"– but all of {target.member.name} is drained, including this container"] if whole else []
    alone = sorted(maintenance.in_maintenance([instance.identity for instance in found], checks))
    return [f"– but these containers are drained individually: {', '.join(alone)}"] if alone else []
