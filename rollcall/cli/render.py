"""`rollcall render`: print what nginx would serve now."""

import click

from rollcall.cli.parameters import inventory_argument
from rollcall.components.loading import checked_fleet
from rollcall.config import inventory
from rollcall.errors import RollcallError
from rollcall.remote.run import Shell

RENDER = "docker exec front front-render"


@click.command()
@inventory_argument
def render(source: str) -> None:
    """Print the sites that nginx would serve on each front of INVENTORY now; change nothing."""
    chosen, _ = checked_fleet(source)
    fronts = chosen.group("fronts")
    if not fronts:
        raise RollcallError(f"{source}: the group fronts is empty; expected at least one host")
    for host in fronts:
        if len(fronts) > 1:
            click.echo(f"# {host.name}")
        click.echo(_rendered(host), nl=False)


def _rendered(host: inventory.Host) -> str:
    result = Shell(host).run(RENDER)
    if result.code != 0:
        raise RollcallError(
            f"{host.name}: the front cannot render: {result.reason}; check that it is deployed and runs"
        )
    return result.output
