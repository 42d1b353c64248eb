"""Decide the next step for one job on one host, from what Consul, the engine and the clocks say now. No I/O.

A run is under way only while its host holds the job's lock, which Consul frees if it takes the host for dead. Such a
host stops the run within UNCERTAIN_SECONDS and STOP_SECONDS of its last look at its own lock; whoever takes the lock
from it waits longer than that, so two hosts never run the job at once (docs/jobs.md).
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from rollcall.contract import schedule
from rollcall.contract.jobs import Outcome, Request, Result, Run, State, when

# How long a run goes on whose host cannot see that it still has the lock; the second after a restart of the program.
UNCERTAIN_SECONDS, UNCERTAIN_SINCE_START_SECONDS = 25, 10
# How long its container may then take to end.
STOP_SECONDS = 10
# How long a free lock waits for the host of a run that is under way: its agent may only have restarted.
PATIENCE_SECONDS = 15
# Longer than everything that lets a run go on without its lock.
GRACE_SECONDS = 60
# How late a run may begin; a time that passes unused for longer is skipped.
LATE = timedelta(minutes=10)
START_TIMEOUT = timedelta(seconds=60)
ATTEMPTS = 3
# The longest time between two looks: while something happens here, while another host runs the job, and else.
BUSY_SECONDS, WATCHING_SECONDS, IDLE_SECONDS = 1.0, 20.0, 55.0
NEVER_STARTED = "0001-01-01T00:00:00Z"

Kind = Literal["nothing", "begin", "acquire", "reacquire", "break", "claim", "start", "stop", "end", "release"]


@dataclass(frozen=True)
class Job:
    """A job of this host; `timeout` is in seconds, `hosts` are the nodes that may run it."""

    name: str
    schedule: str
    timezone: str
    timeout: int
    stop_timeout: int
    hosts: tuple[str, ...]

    @property
    def when(self) -> str:
        """Its schedule with the time zone, as a state has it."""
        return when(self.schedule, self.timezone)


@dataclass(frozen=True)
class Container:
    """The job's container as the engine has it; times as the engine writes them."""

    runs: bool
    started: str = NEVER_STARTED
    ended: str = NEVER_STARTED
    code: int = 0
    text: str = ""


@dataclass(frozen=True)
class View:
    """Everything that a decision is made from.

    `now` and `began` (the program's start) are this host's time. Without `reachable` Consul did not respond, and
    `holder`, `state` and `request` are unknown. `holder` is the node with the lock. By a clock that only goes forward,
    in seconds: `unconfirmed` since the last look that showed our lock (`confirmed`: there was one), `held` since we
    have it, `free` since a run under way has none. `refused` is why the engine did not start the container; `stopped`
    why we stopped it.
    """

    now: datetime
    began: datetime
    host: str
    reachable: bool
    holder: str = ""
    state: State | None = None
    request: Request | None = None
    container: Container | None = None
    confirmed: bool = False
    unconfirmed: float = 0
    held: float = 0
    free: float = 0
    refused: str = ""
    stopped: str = ""


@dataclass(frozen=True)
class Step:
    """One step: `state` is what to write for begin, claim and end; `why` is the reason of a stop."""

    kind: Kind
    state: State | None = None
    why: str = ""


NOTHING = Step("nothing")


def decide(job: Job, view: View) -> Step:
    """Return the next step."""
    if not view.reachable:
        return _stop_if_uncertain(view)
    if view.state is None:
        return Step("begin", State(due=stamp(view.now), schedule=job.when))
    run = view.state.running
    if run is None:
        return _idle(job, view, view.state)
    return _own(job, view, view.state, run) if run.host == view.host else _others(job, view, view.state, run)


def _runs(view: View) -> bool:
    return view.container is not None and view.container.runs


def _stop_if_uncertain(view: View) -> Step:
    limit = UNCERTAIN_SECONDS if view.confirmed else UNCERTAIN_SINCE_START_SECONDS
    late = _runs(view) and view.unconfirmed > limit
    return Step("stop", why="this host lost the job's lock") if late else NOTHING


def _idle(job: Job, view: View, state: State) -> Step:
    if _runs(view):
        return Step("stop", why=f"nobody wants it to run now; `rollcall run INVENTORY {job.name}` runs it")
    wanted = due(job, view, state)
    if wanted is None:
        return Step("release") if view.holder == view.host else NOTHING
    if view.holder == view.host:
        return Step("claim", _claimed(job, view, state, wanted))
    return _take(job, view)


def _take(job: Job, view: View) -> Step:
    if not view.holder:
        return Step("acquire")
    orphaned = view.holder not in job.hosts and view.free > PATIENCE_SECONDS
    return Step("break") if orphaned else NOTHING


def due(job: Job, view: View, state: State) -> Run | None:
    """Return the run that should begin now, because a person wants it or its time has come."""
    before = view.container.started if view.container else ""
    wish = view.request
    if wish and wish.id != state.request and wish.host in ("", view.host):
        return Run(view.host, stamp(view.now), stamp(view.now), before, request=wish.id)
    last = schedule.latest(job.schedule, job.timezone, view.now, LATE)
    # A new schedule begins with the deploy: its times before that were never promised.
    since = moment(state.due) if state.schedule == job.when else max(view.began, moment(state.due))
    if last is None or last <= since:
        return None
    return Run(view.host, stamp(last), stamp(view.now), before)


def _claimed(job: Job, view: View, state: State, run: Run) -> State:
    if run.request:
        return replace(state, running=run, request=run.request)
    return replace(state, running=run, due=run.due, schedule=job.when)


def _own(job: Job, view: View, state: State, run: Run) -> Step:
    if view.holder != view.host:
        if view.holder and view.holder in job.hosts:
            return Step("stop", why=f"{view.holder} has the job's lock now") if _runs(view) else NOTHING
        uncertain = _stop_if_uncertain(view)
        return uncertain if uncertain.kind == "stop" else Step("break" if view.holder else "reacquire")
    container = view.container
    was_started = container is not None and container.started not in (NEVER_STARTED, run.before)
    if container is None or not was_started:
        if view.refused or view.now - moment(run.started) > START_TIMEOUT:
            why = view.refused or ("the engine does not start it" if container else "the host has no container of it")
            return _ended(view, state, run, "refused", why=why)
        return NOTHING if container is None else Step("start")
    lasted = (view.now if container.runs else moment(container.ended)) - moment(container.started)
    over = lasted >= timedelta(seconds=job.timeout)
    if container.runs:
        return Step("stop", why=f"it ran for longer than its timeout, {job.timeout} s") if over else NOTHING
    outcome: Outcome = "timeout" if over else "stopped" if view.stopped else "done"
    why = container.text or view.stopped
    return _ended(view, state, run, outcome, code=container.code, why=why, at=stamp(container.ended))


def _others(job: Job, view: View, state: State, run: Run) -> Step:
    if _runs(view):
        return Step("stop", why=f"it runs on {run.host}")
    if view.holder != view.host:
        orphaned = view.free > PATIENCE_SECONDS
        return _take(job, view) if orphaned else NOTHING
    if view.held < GRACE_SECONDS:
        return NOTHING
    lost = _ended(view, state, run, "lost", why=f"{run.host} was lost while it ran there")
    if run.request or run.attempt >= ATTEMPTS or lost.state is None:
        return lost
    before = view.container.started if view.container else ""
    again = Run(view.host, run.due, stamp(view.now), before, run.attempt + 1)
    return Step("claim", replace(lost.state, running=again))


def _ended(
    view: View, state: State, run: Run, outcome: Outcome, *, code: int | None = None, why: str = "", at: str = ""
) -> Step:
    ended = at or stamp(view.now)
    result = Result(run.host, run.due, run.started, ended, outcome, code, why, run.request)
    succeeded = ended if result.ok else state.succeeded
    return Step("end", replace(state, running=None, last=result, succeeded=succeeded))


def pause(job: Job, view: View, step: Step) -> float:
    """Return how many seconds may pass before the next look, unless a key changes."""
    if step.kind != "nothing" or not view.reachable or view.state is None or _runs(view):
        return BUSY_SECONDS
    run = view.state.running
    if run and view.holder not in ("", view.host):
        return WATCHING_SECONDS
    if run or view.holder or due(job, view, view.state):
        return BUSY_SECONDS
    following = schedule.following(job.schedule, job.timezone, view.now)
    return min(max((following - view.now).total_seconds(), 0.05), IDLE_SECONDS)


def stamp(when: datetime | str) -> str:
    """Return a time as a state has it: UTC, to the second."""
    return (moment(when) if isinstance(when, str) else when).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment(when: str) -> datetime:
    """Read a time of a state, or of the engine."""
    return datetime.fromisoformat(when)
