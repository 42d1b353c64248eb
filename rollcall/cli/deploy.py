"""`rollcall deploy` and `rollcall remove`: pyinfra, with checks before it and a truthful exit code after it."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import click

from rollcall.cli.parameters import inventory_argument
from rollcall.components.loading import checked_fleet
from rollcall.config import inventory, project
from rollcall.console import err, out
from rollcall.errors import RollcallError
from rollcall.remote import connectivity


@click.command()
@inventory_argument
@click.option("--limit", multiple=True, metavar="HOST|GROUP", help="Only these hosts.")
@click.option("--dry", is_flag=True, help="Say what would be changed, field by field; change nothing.")
@click.option("-v", "verbosity", count=True, help="Show more of what pyinfra does (-v, -vv, -vvv).")
def deploy(source: str, limit: tuple[str, ...], dry: bool, verbosity: int) -> None:
    """Bring every host of INVENTORY to what its settings say."""
    chosen, _ = checked_fleet(source, limit)
    connectivity.check(chosen.hosts)
    started = time.monotonic()
    _pyinfra(chosen, "deploy.py", [*_limits(limit), *(["--dry"] if dry else ["-y"]), *_verbosity(verbosity)])
    hosts = f"{len(chosen.hosts)} host{'s' if len(chosen.hosts) > 1 else ''}"
    if dry:
        out.print(f"\nNothing was changed. To make these changes on {hosts}: rollcall deploy {source}")
        return
    out.print(f"\n[green]Deployed[/] {hosts} in {time.monotonic() - started:.1f} s. Next: rollcall verify {source}")


@click.command()
@inventory_argument
@click.option("--yes", is_flag=True, help="Do not ask.")
def remove(source: str, yes: bool) -> None:
    """Take everything off the hosts of INVENTORY that a deploy put there, Consul's data included."""
    chosen, _ = checked_fleet(source)
    connectivity.check(chosen.hosts)
    if not yes:
        click.confirm(f"Remove Rollcall and Consul's data from {len(chosen.hosts)} hosts?", abort=True, err=True)
    _pyinfra(chosen, "remove.py", ["-y"])
    out.print(f"\n[green]Removed.[/] To have it back: rollcall deploy {source}")


def run_deploy(chosen: inventory.Inventory) -> None:
    """Deploy to every host, as a step of something larger.

    Raises:
        RollcallError: it did not succeed everywhere.
    """
    _pyinfra(chosen, "deploy.py", ["-y"])


def _limits(limit: Sequence[str]) -> list[str]:
    return [argument for pattern in limit for argument in ("--limit", pattern)]


def _verbosity(count: int) -> list[str]:
    return [f"-{'v' * count}"] if count else []


def _pyinfra(chosen: inventory.Inventory, deploy_file: str, options: Sequence[str]) -> None:
    """Run pyinfra and pass its output through.

    Raises:
        RollcallError: it failed; what failed stands in its output.
    """
    arguments = [sys.executable, "-m", "pyinfra", chosen.source, str(_deploy_file(chosen.root, deploy_file)), *options]
    process = subprocess.Popen(arguments, cwd=chosen.root, env={**os.environ, "PYTHONUNBUFFERED": "1"})
    try:
        code = process.wait()
    except KeyboardInterrupt:
        # pyinfra got the signal too, and would say 0.
        process.wait()
        raise
    if code != 0:
        err.print()
        raise RollcallError(
            f"{deploy_file} did not succeed on every host, the lines above say why; "
            "what succeeded stays, and the same command can be run again"
        )


def _deploy_file(root: Path, name: str) -> Path:
    """Return the project's own file of that name, or the one that Rollcall ships."""
    return root / name if (root / name).is_file() else project.shipped(".") / name
