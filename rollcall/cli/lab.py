"""`rollcall lab`: run six real hosts on this machine."""

import json
import os
import shlex
import sys
from typing import TYPE_CHECKING

import click

from rollcall.console import out
from rollcall.errors import RollcallError

if TYPE_CHECKING:
    from rollcall.lab.status import LabStatus


@click.group()
def lab() -> None:
    """Six real hosts on this machine, to try everything on.

    Each is a container with systemd, sshd and its own Docker Engine; a registry serves their images.
    """


@lab.command()
@click.option(
    "--engines", metavar="LIST", default="", help="Docker Engines that new hosts get in turn, such as 20.10,newest."
)
@click.option("--hosts", "number", type=int, help="How many hosts, 6 to 50; those beyond the six run no services.")
def up(engines: str, number: int | None) -> None:
    """Start the lab, or complete a stopped or interrupted one. Slow parts are built once and cached."""
    from rollcall.lab import lifecycle, size

    lifecycle.up(_engines(engines), number)
    names = ", ".join(host.name for host in size.hosts())
    out.print(f"The lab is up: {names}. Next: [bold]rollcall deploy inventories/lab.py[/]")


def _engines(text: str) -> tuple[str, ...]:
    from rollcall.lab.layout import ENGINES

    chosen = tuple(filter(None, (word.strip() for word in text.split(","))))
    for engine in chosen:
        if engine not in ENGINES:
            raise RollcallError(f"--engines: expected some of {', '.join(ENGINES)}, got '{engine}'")
    return chosen


@lab.command()
@click.option("--purge", is_flag=True, help="Also remove the built images and the cache.")
def down(purge: bool) -> None:
    """Remove the lab: its containers, networks, volumes and keys. Built images and the cache stay."""
    from rollcall.lab import lifecycle

    lifecycle.down(purge)
    kept = "" if purge else " Built images and the cache stay; --purge removes them."
    out.print(f"Removed the lab.{kept}")


@lab.command("images")
@click.option("--for-demo", "lend", is_flag=True, help="Also give them their public names, for inventories/single.py.")
@click.option("--remove-demo", "take_back", is_flag=True, help="Remove those names again; build nothing.")
def make_images(lend: bool, take_back: bool) -> None:
    """Build the lab's images with this machine's Docker Engine, without any host."""
    if lend and take_back:
        raise RollcallError("--for-demo and --remove-demo contradict each other; give one of them")
    from rollcall.lab import lifecycle

    if take_back:
        lifecycle.take_images_back()
    else:
        lifecycle.make_images(lend)


@lab.command("status")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def show(as_json: bool) -> None:
    """Show every host, the registry and the images."""
    from rollcall.lab import status

    found = status.read()
    if as_json:
        click.echo(json.dumps(found.to_json(), indent=2))
    else:
        _print(found)


@lab.command(context_settings={"ignore_unknown_options": True})
@click.argument("host")
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
def ssh(host: str, command: tuple[str, ...]) -> None:
    """Open a shell on a HOST of the lab, or run a COMMAND there; its exit code is the command's."""
    from rollcall.lab import hosts

    reached = hosts.by_name(host)
    hosts.check_up(reached)
    # One word is a line for the host's shell; several words are one command, quoted as they are.
    line = [command[0]] if len(command) == 1 else [shlex.join(command)] if command else []
    sys.stdout.flush()
    os.execvp("ssh", [*hosts.ssh_arguments(reached), *line])  # noqa: S606 - in our place, so that its exit code is ours


def _print(found: "LabStatus") -> None:
    from rich.table import Table

    if not found.engine:
        out.print("No Docker Engine responds on this machine, so the lab is down. Next: [bold]rollcall lab up[/]")
        return
    table = Table("host", "state", "address", "SSH at 127.0.0.1", "engine", "published at 127.0.0.1", box=None)
    for host in found.hosts:
        published = ", ".join(f"{machine} → {port}" for machine, port in host.published.items())
        engine = host.engine or ("no response" if host.state == "running" else "")
        table.add_row(host.name, host.state, host.address, str(host.ssh_port), engine, published)
    out.print(table)
    out.print(f"registry: {found.registry}")
    for image in found.images:
        state = "in the registry" if image.offered else "built" if image.current else "not built yet"
        outdated = "; its sources have changed since" if image.offered and not image.current else ""
        out.print(f"  {image.name}: {state}{outdated}")
    hint = "deploy inventories/lab.py" if found.is_up else "lab up"
    out.print(f"The lab is {'up' if found.is_up else 'not up'}. Next: [bold]rollcall {hint}[/]")
