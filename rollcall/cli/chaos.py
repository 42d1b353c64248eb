"""`rollcall chaos`: break parts of a fleet at random, and measure what its visitors notice."""

import math
import random
import shlex
import signal
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from rollcall.cli import failures
from rollcall.cli.parameters import inventory_argument
from rollcall.components.loading import checked_fleet
from rollcall.config.fleet import Fleet
from rollcall.config.inventory import Inventory
from rollcall.console import out, step
from rollcall.did_you_mean import suggestion
from rollcall.errors import RollcallError
from rollcall.signals import interrupt_on

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from rollcall.chaos.faults import Fault
    from rollcall.chaos.load import Load
    from rollcall.chaos.lock import HeldLock
    from rollcall.chaos.planned import Round
    from rollcall.chaos.running import Run
    from rollcall.chaos.world import World
    from rollcall.remote.run import Shell
    from rollcall.status.fleet_status import FleetStatus

MINUTES, DEADLINE_SECONDS, FILL_MIB = 10.0, 180.0, 1024
LARGEST_SEED = 9999
INTERRUPTED = "interrupted"


@click.command()
@inventory_argument
@click.option("--faults", "names", metavar="NAME,…", help="Only these kinds of faults; by default all.")
@click.option("--minutes", type=click.FloatRange(min=0), help=f"How long; by default {MINUTES:g}.")
@click.option(
    "--times",
    type=click.IntRange(min=1),
    metavar="N",
    help="Each kind of fault N times, however long that takes, instead of --minutes.",
)
@click.option("--seed", type=int, help="Repeats the faults of an earlier run, which printed it.")
@click.option(
    "--deadline",
    type=click.FloatRange(min=1),
    default=DEADLINE_SECONDS,
    metavar="SECONDS",
    help=f"How long the fleet may take to be right again after a fault; by default {DEADLINE_SECONDS:g}.",
)
@click.option(
    "--fill",
    type=click.IntRange(min=1),
    default=FILL_MIB,
    metavar="MIB",
    help=f"Fill no disk that has more room than this; by default {FILL_MIB}.",
)
@click.option(
    "--at-once",
    type=click.IntRange(min=1),
    default=1,
    metavar="N",
    help="Up to N faults at the same time, on different hosts, as far as the fleet bears them; by default 1.",
)
@click.option("--plan", "only_plan", is_flag=True, help="Print the faults that would happen; do nothing.")
@click.option("--heal", "only_heal", is_flag=True, help="Only end what a killed run left behind.")
def chaos(
    source: str,
    *,
    names: str | None,
    minutes: float | None,
    times: int | None,
    seed: int | None,
    deadline: float,
    fill: int,
    at_once: int,
    only_plan: bool,
    only_heal: bool,
) -> None:
    """Break parts of the fleet of INVENTORY at random, and measure what its visitors notice.

    After each fault it waits until all is right again. Every fault ends by itself, also if this command is killed. Exit
    code: 1 if something did not become right, or a request failed that should not (docs/limits.md names what may).
    """
    from rollcall.chaos import running

    if minutes is not None and times is not None:
        raise click.UsageError("--times excludes --minutes.")
    # A plan is no secret.
    seed = random.randint(1, LARGEST_SEED) if seed is None else seed  # noqa: S311
    options = _Options(_chosen(names), seed, MINUTES if minutes is None else minutes, times, deadline, fill, at_once)
    chosen, fleet = checked_fleet(source)
    _check_allowed(fleet, source)
    interrupt_on(signal.SIGTERM, signal.SIGHUP)
    with ExitStack() as stack:
        here = _connected(stack, source, chosen, fleet)
        if only_heal:
            _print_healed(running.heal(here.shells), source)
        elif only_plan:
            _print_plan(here, options)
        else:
            raise click.exceptions.Exit(_run(stack, here, options))


def _chosen(names: str | None) -> "list[Fault]":
    """Return the faults of these names. Raises RollcallError: there is no such fault."""
    from rollcall.chaos.faults import FAULTS

    wanted = [name.strip() for name in names.split(",")] if names is not None else list(FAULTS)
    for name in wanted:
        if name not in FAULTS:
            raise RollcallError(f"--faults: unknown fault {name!r}; {suggestion(name, FAULTS)}")
    return [fault for name, fault in FAULTS.items() if name in wanted]


def _check_allowed(fleet: Fleet, source: str) -> None:
    if not fleet.members[0].settings.chaos:
        raise RollcallError(
            f"{source} does not allow chaos, which breaks parts of a fleet on purpose; expected `chaos = True` in "
            "group_data/all.py"
        )


@dataclass(frozen=True)
class _Options:
    """What the user wants."""

    faults: "list[Fault]"
    seed: int
    minutes: float
    times: int | None
    deadline: float
    fill: int
    at_once: int

    @property
    def seconds(self) -> float:
        """Return how long faults may begin."""
        return math.inf if self.times else 60 * self.minutes


@dataclass(frozen=True)
class _Here:
    """The fleet, and the connections to it."""

    source: str
    chosen: Inventory
    fleet: Fleet
    shells: "Mapping[str, Shell]"
    look: "Callable[[], FleetStatus]"

    def survey(self, status: "FleetStatus") -> "World":
        from rollcall.chaos import survey

        return survey.world(self.fleet, self.chosen.hosts, status, survey.probed(self.shells))


def _connected(stack: ExitStack, source: str, chosen: Inventory, fleet: Fleet) -> _Here:
    """Open a shell to each host. Raises RollcallError: one does not respond."""
    from rollcall.remote import connectivity, run
    from rollcall.status.looking import looking

    connectivity.check(chosen.hosts)
    sockets = stack.enter_context(tempfile.TemporaryDirectory(prefix="rollcall-"))
    shells = {host.name: stack.enter_context(run.connected(host, sockets)) for host in chosen.hosts}
    return _Here(source, chosen, fleet, shells, looking(stack, shells, fleet, source))


def _print_healed(found: "Mapping[str, Sequence[str]]", source: str) -> None:
    for name, faults in found.items():
        out.print(f"– ended on {name}, left by an earlier run: {', '.join(faults)}", markup=False)
    if not found:
        out.print(f"Nothing was left behind. Next: rollcall status {source}")


def _print_plan(here: _Here, options: _Options) -> None:
    from rollcall.chaos import plan, table

    world = here.survey(here.look())
    planned = plan.within(_plan(world, options), options.seconds)
    out.print(table.of_plan(planned), soft_wrap=False)
    at_once = f" --at-once {options.at_once}" if options.at_once > 1 else ""
    if options.times:
        what, length = "These happen", f"--times {options.times}"
    else:
        what, length = f"These usually fit {options.minutes:g} minutes,", f"--minutes {options.minutes:g}"
    out.print(
        f"\nNothing was done. {what} in this order: "
        f"rollcall chaos {here.source} --seed {options.seed} {length}{at_once}"
    )


def _plan(world: "World", options: _Options) -> "Iterator[Round]":
    """Name the faults that may happen to no host, and return the plan. Raises RollcallError: none may happen."""
    from rollcall.chaos import plan

    sentences = plan.impossible(options.faults, world, options.fill)
    for sentence in sentences:
        out.print(f"– {sentence}", markup=False)
    if len(sentences) == len(options.faults):
        raise RollcallError("none of these faults may happen to this fleet; expected more hosts, or other --faults")
    planned = plan.plan(world, options.faults, options.seed, options.fill, options.at_once)
    return plan.times(planned, options.times) if options.times else planned


def _run(stack: ExitStack, here: _Here, options: _Options) -> int:
    """Break the fleet for a while; return the exit code."""
    from rollcall.chaos import running, verdict

    lock = stack.enter_context(_lock(here))
    if healed := running.heal(here.shells):
        _print_healed(healed, here.source)
    with step("Looking whether all is right"):
        status = running.settled(here.look)
        before = verdict.seen(status)
    if before.wrong:
        raise RollcallError(
            f"not all is right before the first fault: {'; '.join(before.wrong)}; see rollcall status {here.source}"
        )
    world = here.survey(status)
    planned = _plan(world, options)
    with _load(stack, here, status) as load:
        run = running.Run(
            world,
            here.shells,
            lambda: verdict.seen(here.look()),
            before,
            load,
            options.deadline,
            lambda text: out.print(f"  … {text}", markup=False),
        )
        try:
            why = run.go(planned, options.seconds, lambda: lock.lost)
        except KeyboardInterrupt:
            why = INTERRUPTED
    return _print_result(run, why, here.source, options.seed, load.count)


def _lock(here: _Here) -> "HeldLock":
    from rollcall.chaos.lock import HeldLock
    from rollcall.consul.fleet_lock import FleetLock, this_process
    from rollcall.secrets.deployed import read_secrets

    token = read_secrets(here.source, here.chosen, here.fleet, "rollcall chaos").tokens.secret("operator")
    command = shlex.join(["rollcall", *sys.argv[1:]])
    return HeldLock(FleetLock(here.chosen.group("consul_servers"), token, this_process(command)))


def _load(stack: ExitStack, here: _Here, status: "FleetStatus") -> "Load":
    """Return visitors of every site that responds now.

    Raises:
        RollcallError: none does.
    """
    from rollcall.chaos import survey
    from rollcall.chaos.load import Load, responding
    from rollcall.remote.tunnel import tunnel
    from rollcall.verify.front_requests import front_endpoint
    from rollcall.verify.tls_probe import unverified

    hosts = {host.name: host for host in here.chosen.hosts}
    endpoints = {}
    for member in here.fleet.fronts:
        remote = front_endpoint(member)
        endpoints[member.name] = stack.enter_context(tunnel(hosts[member.name], [remote]))[remote]
    sites = survey.sites(here.fleet, status, endpoints)
    tried = responding(sites, unverified())
    for site, failure in tried.items():
        if failure:
            out.print(f"– {site.name} on {site.front} is left out, it does not respond now: {failure}", markup=False)
    good = [site for site, failure in tried.items() if not failure]
    if not good:
        raise RollcallError("no site of any front responds, so nothing shows what a fault costs; see rollcall status")
    return Load(good, unverified())


def _print_result(run: "Run", why: str, source: str, seed: int, requests: int) -> int:
    from rollcall.chaos import table

    out.print("")
    out.print(table.of_outcomes(run.outcomes), soft_wrap=False)
    for sentence in table.alarms(run.outcomes):
        out.print(f"[red]✗[/] {sentence}")
    is_good = all(outcome.is_good for outcome in run.outcomes)
    count = sum(len(outcome.planned.faults) for outcome in run.outcomes)
    ended = f"; ended early: {why}" if why else ""
    step_next = "verify" if is_good else "status"
    out.print(
        f"\n{count} fault{'' if count == 1 else 's'}, {requests} requests, seed {seed}{ended}. "
        f"Next: rollcall {step_next} {source}",
        markup=False,
    )
    if why == INTERRUPTED:
        return failures.INTERRUPTED
    return 0 if is_good and not why else failures.FAILED
