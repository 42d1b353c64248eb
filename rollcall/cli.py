"""The command `rollcall`."""

import sys
from typing import Any

import click

from rollcall.canary_command import canary
from rollcall.console import fail
from rollcall.consul_command import consul
from rollcall.deploy_command import deploy, remove
from rollcall.drain_command import drain, undrain
from rollcall.errors import RollcallError
from rollcall.lab.cli import lab
from rollcall.maintenance_command import maintenance
from rollcall.render_command import render
from rollcall.rotate_command import rotate
from rollcall.status_command import status
from rollcall.ui_command import ui
from rollcall.verify import verify


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
def main() -> None:
    """Turn plain Docker hosts into a fleet: services found in Consul, balanced by nginx."""


for command in (
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
