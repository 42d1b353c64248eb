"""The command `rollcall`."""

import sys
from pathlib import Path
from typing import Any

import click

from rollcall import __version__
from rollcall.cli.canary import canary
from rollcall.cli.consul import consul
from rollcall.cli.deploy import deploy, remove
from rollcall.cli.drain import drain, undrain
from rollcall.cli.init import init
from rollcall.cli.lab import lab
from rollcall.cli.maintenance import maintenance
from rollcall.cli.render import render
from rollcall.cli.rotate import rotate
from rollcall.cli.status import status
from rollcall.cli.ui import ui
from rollcall.cli.verify import verify
from rollcall.config import project
from rollcall.console import fail
from rollcall.errors import RollcallError


class OneSentence(click.Group):
    """A command group whose errors are one sentence and a truthful exit code, never a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; 1 is the exit code of what the user can mend, 130 that of Ctrl-C."""
        try:
            return super().invoke(ctx)
        except RollcallError as problem:
            fail(str(problem))
            sys.exit(1)
        except KeyboardInterrupt:
            fail("interrupted; the same command can be run again and goes on where it stopped")
            sys.exit(130)


@click.group(cls=OneSentence, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="rollcall")
@click.option(
    "--project",
    "folder",
    metavar="FOLDER",
    type=click.Path(path_type=Path),
    help="The folder with deploy.py; by default the nearest above the inventory or above the current folder.",
)
def main(folder: Path | None) -> None:
    """Turn plain Docker hosts into a fleet: services found in Consul, balanced by nginx."""
    if folder:
        project.name(folder)


for command in (
    init,
    deploy,
    verify,
    status,
    drain,
    undrain,
    canary,
    maintenance,
    ui,
    consul,
    render,
    rotate,
    remove,
    lab,
):
    main.add_command(command)
