"""`rollcall init`: write a new project."""

from pathlib import Path

import click

from rollcall.config import starter
from rollcall.console import out


@click.command()
@click.argument("folder", metavar="NAME", type=click.Path(path_type=Path))
def init(folder: Path) -> None:
    """Write a commented project into a new folder NAME: inventory, settings, deploy.py.

    Overwrites nothing.
    """
    for path in starter.write(folder):
        out.print(f"[green]✓[/] {folder / path}", highlight=False)
    inventory = "inventories/production.py"
    steps = [] if folder.resolve() == Path.cwd() else [f"cd {folder}"]
    out.print(
        f"\nNext: put your host into {folder / inventory}, then\n"
        f"  {' && '.join([*steps, 'rollcall images build', f'rollcall deploy {inventory}'])}",
        highlight=False,
        soft_wrap=True,
    )
