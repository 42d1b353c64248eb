"""`rollcall deploy`: run pyinfra, with checks before and a truthful exit code after."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import nullcontext

import click

from rollcall.cli import failures
from rollcall.cli.parameters import inventory_argument
from rollcall.components.loading import checked_fleet
from rollcall.config import inventory
from rollcall.config.fleet import Fleet
from rollcall.config.pyinfra_data import CONSENT
from rollcall.console import out
from rollcall.errors import RollcallError
from rollcall.remote import connectivity

# More names than these do not fit a line.
NAMED_HOSTS = 6


@click.command()
@inventory_argument
@click.option("--limit", multiple=True, metavar="HOST|GROUP", help="Only these hosts.")
@click.option("--dry", is_flag=True, help="Print every change, field by field; make none.")
@click.option("--yes", is_flag=True, help="Remove roles that hosts no longer have, such as a front's.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON document.")
@click.option("-v", "verbosity", count=True, help="Show more of what pyinfra does (-v, -vv, -vvv).")
def deploy(source: str, *, limit: tuple[str, ...], dry: bool, yes: bool, as_json: bool, verbosity: int) -> None:
    """Bring every host of INVENTORY to its settings."""
    from rollcall.deploy import program

    started = time.monotonic()
    program.begin()
    chosen, fleet = checked_fleet(source, limit, program.read)
    _check_reached(chosen)
    consent = ["--data", f"{CONSENT}=true"] if yes else []
    options = [*_limits(limit), *(["--dry"] if dry else ["-y"]), *consent, *_verbosity(verbosity)]
    try:
        with program.reported(dry) if as_json else nullcontext():
            program.run(chosen, "deploy.py", options, fleet)
    except RollcallError as problem:
        raise RollcallError(f"{problem}{_put_back(chosen)}") from None
    if as_json or failures.AS_STEP in os.environ:
        return
    changed = program.changed_hosts(dry)
    if dry:
        _print_settings(chosen, fleet)
        out.print(f"\n{_forecast(changed, source)}")
        return
    seconds = f"{time.monotonic() - started:.1f} s"
    what = f"changed {_named(changed)}" if changed else "nothing had to change"
    out.print(f"\n[green]Deployed[/] {_count(len(chosen.hosts))} in {seconds}; {what}. Next: rollcall verify {source}")


def _check_reached(chosen: inventory.Inventory) -> None:
    """Check that every host responds; where only some do, name the way to deploy to those."""
    try:
        connectivity.check(chosen.hosts)
    except connectivity.SomeSilentError as problem:
        raise RollcallError(f"{problem} Or deploy to the others alone, with --limit HOST|GROUP for each.") from None


def _forecast(changed: Sequence[str], source: str) -> str:
    if not changed:
        return "Nothing was changed, and a deploy would change nothing."
    return f"Nothing was changed. A deploy would change {_named(changed)}: rollcall deploy {source}"


def _named(hosts: Sequence[str]) -> str:
    """Name hosts while a line has room for them."""
    return f"{_count(len(hosts))} ({', '.join(hosts)})" if len(hosts) <= NAMED_HOSTS else _count(len(hosts))


def _count(hosts: int) -> str:
    return f"{hosts} host{'' if hosts == 1 else 's'}"


def _print_settings(chosen: inventory.Inventory, fleet: Fleet) -> None:
    """Print the settings that are not defaults, with the file and line of each."""
    from rollcall.config import host_values

    out.print("\nSettings other than defaults, with file and line:")
    for line in host_values.summary(
        {host.name: host_values.of(host.raw, fleet.member(host.name)) for host in chosen.hosts}
    ):
        out.print(f"  {line}", markup=False, highlight=False, soft_wrap=True)


def run_deploy(chosen: inventory.Inventory) -> None:
    """Deploy to every host in a new process, as a step of another command.

    Raises:
        RollcallError: the deploy failed on a host.
    """
    if _step(chosen, "deploy", chosen.source) != 0:
        raise RollcallError("the deploy failed (see the lines above); run the same command again")


def _put_back(chosen: inventory.Inventory) -> str:
    """Put services back whose release failed with `on_failure = "back"`; return what became of them."""
    from rollcall.deploy import lock
    from rollcall.deploy.services import turn

    sentences = []
    for service in turn.going_back():
        # The rollback takes the lock for itself.
        lock.release()
        out.print(f'\n{service}: release.on_failure is "back": what was replaced goes back', markup=False)
        done = _step(chosen, "rollback", chosen.source, service) == 0
        again = f"could not be put back; run: rollcall rollback {chosen.source} {service}"
        sentences.append(f"; {service} {'was put back' if done else again}")
    return "".join(sentences)


def _step(chosen: inventory.Inventory, *arguments: str) -> int:
    """Run a command of ours in a new process, since pyinfra runs once in each; return its exit code."""
    command = [sys.executable, "-m", "rollcall", "--project", str(chosen.root), *arguments]
    # What is printed there comes after what was printed here.
    sys.stdout.flush()
    process = subprocess.Popen(command, env={**os.environ, failures.AS_STEP: "1"})
    try:
        return process.wait()
    except KeyboardInterrupt:
        # The other process got the signal, too.
        process.wait()
        raise


def _limits(limit: Sequence[str]) -> list[str]:
    return [argument for pattern in limit for argument in ("--limit", pattern)]


def _verbosity(count: int) -> list[str]:
    return [f"-{'v' * count}"] if count else []
