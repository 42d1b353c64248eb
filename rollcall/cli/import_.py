"""`rollcall import`: print the services of a Compose file as group data has them."""

from pathlib import Path

import click

from rollcall.cli.parameters import file_argument
from rollcall.config import local_files, project
from rollcall.console import err
from rollcall.errors import RollcallError


@click.command("import")
@file_argument("compose.yml")
def import_(file: Path) -> None:
    """Print the services of a Compose file as the setting `services`, for group_data.

    Standard error names each key that has no counterpart, with its line and the reason.
    """
    from rollcall.components import declared
    from rollcall.compose import document, literal, services

    root = _project()
    local_files.relative_to(root)
    reserved = [name for component in declared.components(root) for name in component.containers]
    declarations, notes = services.imported(document.read(file), reserved)
    for note in notes:
        err.print(note, markup=False)
    if not declarations:
        raise RollcallError(f"{file}: none of its services can be imported; the lines above give the reasons")
    click.echo(literal.assignment(declarations), nl=False)


def _project() -> Path:
    """Return the project; outside of one, the one that `rollcall init` would write."""
    try:
        return project.root_of(None)
    except RollcallError:
        return project.shipped(".")
