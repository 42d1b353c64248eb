"""`rollcall images`: build, list and push Rollcall's own images."""

import json
from datetime import UTC, datetime

import click

from rollcall.components.loading import checked_fleet
from rollcall.errors import RollcallError

_MEGABYTE = 1_000_000


@click.group()
def images() -> None:
    """Build, list and push the images that are Rollcall's own.

    No public registry has them: a deploy sends them from this machine, or hosts pull them from your own registry.
    """


@images.command()
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option("--platform", default="", metavar="OS/ARCH", help="For example linux/arm64; by default the engine's own.")
def build(names: tuple[str, ...], platform: str) -> None:
    """Build these images with this machine's Docker Engine, or all of them."""
    from rollcall.console import out
    from rollcall.images import build as building
    from rollcall.images import catalogue

    if platform and not 2 <= len([part for part in platform.split("/") if part]) <= 3:
        raise RollcallError(f"--platform: expected OS/ARCH such as linux/arm64, got '{platform}'")
    for image in catalogue.chosen(names):
        building.build(image, platform)
    out.print("\nA deploy sends them to hosts that lack them. Next: rollcall deploy INVENTORY --dry")


@images.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def show(as_json: bool) -> None:
    """List the images on this machine, with age, size, and whether they are current."""
    from rich.table import Table

    from rollcall.console import out
    from rollcall.images import catalogue, local

    found = local.find(catalogue.IMAGES)
    if as_json:
        click.echo(json.dumps([one.to_json() for one in found], indent=2))
        return
    table = Table("image", "state", "platform", "age", "size", box=None)
    now = datetime.now(UTC)
    for one in found:
        age = local.age(one.created, now) if one.created else ""
        size = f"{one.size / _MEGABYTE:.0f} MB" if one.size else ""
        table.add_row(one.image.reference, one.state, one.platform, age, size)
    out.print(table)
    if stale := [one.image.name for one in found if one.state in ("missing", "outdated")]:
        every = len(stale) == len(found)
        out.print(f"\nNext: rollcall images build{'' if every else ' ' + ' '.join(stale)}")


@images.command()
@click.argument("source", metavar="INVENTORY")
@click.argument("names", metavar="[NAME]...", nargs=-1)
def push(source: str, names: tuple[str, ...]) -> None:
    """Push these images, or all of them, to the registry in the settings of INVENTORY.

    The setting is `registry`, or the `image` of a component.
    """
    from rollcall.console import out
    from rollcall.images import catalogue, publish

    _, fleet = checked_fleet(source)
    wanted = [(image, publish.targets(image, fleet.members)) for image in catalogue.chosen(names)]
    if not any(targets for _, targets in wanted):
        raise RollcallError(
            f'{source}: registry: not set; expected a registry such as "registry.example.com/ops" in group_data/all.py'
        )
    for image, targets in wanted:
        publish.publish(image, targets)
    out.print(f"\nThe hosts pull them from there. Next: rollcall deploy {source}")
