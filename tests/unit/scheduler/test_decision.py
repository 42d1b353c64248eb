"""The decision for one job on one host, and that no order of events runs it on two hosts at once."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rollcall.contract.jobs import Request, Result, Run, State
from rollcall.scheduler import decision
from rollcall.scheduler.decision import Container, Job, Step, View, decide, pause, stamp

HOSTS = ("a", "b", "c")
JOB = Job("backup", "*/15 * * * *", "UTC", timeout=600, stop_timeout=10, hosts=HOSTS)
NOON = datetime(2026, 11, 29, 12, 0, 5, tzinfo=UTC)
BEGAN = NOON - timedelta(days=1)
IDLE = State(due="2026-11-29T11:45:00Z", schedule=JOB.when)
STOPPED = Container(runs=False, started="2026-11-29T11:45:01Z", ended="2026-11-29T11:46:00Z")
RUN = Run("a", "2026-11-29T12:00:00Z", "2026-11-29T12:00:00Z", before="2026-11-29T11:45:01Z")
RUNNING = Container(runs=True, started="2026-11-29T12:00:01Z")


def view(**given: object) -> View:
    values = {"now": NOON, "began": BEGAN, "host": "a", "reachable": True, "state": IDLE, "container": STOPPED}
    return View(**{**values, **given})


def kind(**given: object) -> str:
    return decide(JOB, view(**given)).kind


def test_a_job_without_a_state_gets_one_and_does_not_run_for_what_is_past() -> None:
    step = decide(JOB, view(state=None))
    assert step == Step("begin", State(due="2026-11-29T12:00:05Z", schedule="*/15 * * * * UTC"))
    assert kind(state=step.state) == "nothing"


def test_the_lock_comes_before_the_claim_and_the_claim_before_the_start() -> None:
    assert kind() == "acquire"
    assert kind(holder="b") == "nothing"
    step = decide(JOB, view(holder="a"))
    assert step.state == replace(IDLE, due="2026-11-29T12:00:00Z", running=replace(RUN, started="2026-11-29T12:00:05Z"))
    assert kind(holder="a", state=step.state) == "start"
    assert kind(holder="a", state=step.state, container=RUNNING) == "nothing"


def test_a_time_is_taken_once_whatever_the_hosts_clocks_say() -> None:
    taken = replace(IDLE, due="2026-11-29T12:00:00Z")
    for seconds in (-10, 0, 10, 60, 14 * 60):
        assert kind(state=taken, now=NOON + timedelta(seconds=seconds)) == "nothing"


def test_a_time_is_made_up_for_within_ten_minutes_and_skipped_later() -> None:
    hourly = replace(JOB, schedule="0 * * * *")
    state = replace(IDLE, due="2026-11-29T11:00:00Z", schedule=hourly.when)
    assert decide(hourly, view(state=state, now=NOON + timedelta(minutes=9))).kind == "acquire"
    assert decide(hourly, view(state=state, now=NOON + timedelta(minutes=11))).kind == "nothing"


def test_a_new_schedule_has_no_times_before_the_deploy() -> None:
    other = replace(IDLE, schedule="17 3 * * * UTC")
    assert kind(state=other, began=NOON - timedelta(seconds=1)) == "nothing"
    assert kind(state=other, began=NOON - timedelta(seconds=30)) == "acquire"


def test_a_lock_without_anything_to_do_is_released() -> None:
    done = replace(IDLE, due="2026-11-29T12:00:00Z")
    assert kind(state=done, holder="a") == "release"
    assert kind(state=done) == "nothing"


def test_a_person_may_want_it_now_and_on_one_host() -> None:
    done = replace(IDLE, due="2026-11-29T12:00:00Z")
    assert kind(state=done, request=Request("r1", "kim")) == "acquire"
    assert kind(state=done, request=Request("r1", "kim", host="b")) == "nothing"
    claim = decide(JOB, view(state=done, holder="a", request=Request("r1", "kim", host="a")))
    assert claim.state is not None
    assert claim.state.running is not None
    assert claim.state.running.request == "r1"
    assert claim.state.due == done.due
    assert kind(state=replace(claim.state, running=None), request=Request("r1", "kim")) == "nothing"


@pytest.mark.parametrize(
    ("code", "lasted", "stopped", "outcome", "ok"),
    [
        (0, 60, "", "done", True),
        (3, 60, "", "done", False),
        (143, 600, "", "timeout", False),
        (0, 60, "why", "stopped", False),
    ],
)
def test_the_end_of_a_run_is_recorded(code: int, lasted: int, stopped: str, outcome: str, *, ok: bool) -> None:
    ended = stamp(datetime(2026, 11, 29, 12, 0, 1, tzinfo=UTC) + timedelta(seconds=lasted))
    container = Container(runs=False, started="2026-11-29T12:00:01Z", ended=ended, code=code)
    step = decide(JOB, view(state=replace(IDLE, running=RUN), holder="a", container=container, stopped=stopped))
    assert step.state is not None
    assert step.state.running is None
    assert step.state.last == Result("a", RUN.due, RUN.started, ended, outcome, code, stopped)
    assert step.state.last.ok == ok
    assert step.state.succeeded == (ended if ok else "")


def test_a_run_that_is_too_long_is_stopped() -> None:
    state = replace(IDLE, running=RUN)
    assert kind(state=state, holder="a", container=RUNNING, now=NOON + timedelta(seconds=590)) == "nothing"
    assert kind(state=state, holder="a", container=RUNNING, now=NOON + timedelta(seconds=600)) == "stop"


def test_what_the_engine_does_not_start_is_refused() -> None:
    state = replace(IDLE, running=RUN)
    refused = decide(JOB, view(state=state, holder="a", refused="no such mount"))
    assert refused.state is not None
    assert refused.state.last is not None
    assert (refused.state.last.outcome, refused.state.last.text) == ("refused", "no such mount")
    # A deploy may be replacing the container.
    assert kind(state=state, holder="a", container=None) == "nothing"
    assert kind(state=state, holder="a", container=None, now=NOON + timedelta(seconds=61)) == "end"
    assert kind(state=state, holder="a", container=Container(runs=False)) == "start"


def test_a_host_that_may_have_lost_its_lock_stops_the_run() -> None:
    state = replace(IDLE, running=RUN)
    own = {"state": state, "container": RUNNING, "confirmed": True}
    assert kind(**own, reachable=False, unconfirmed=24) == "nothing"
    assert kind(**own, reachable=False, unconfirmed=26) == "stop"
    assert kind(state=state, container=RUNNING, reachable=False, unconfirmed=11) == "stop"
    assert kind(state=state, container=STOPPED, reachable=False, unconfirmed=99) == "nothing"
    # An agent that restarts takes its sessions with it.
    assert kind(**own, holder="", unconfirmed=3) == "reacquire"
    assert kind(**own, holder="", unconfirmed=26) == "stop"
    assert kind(**own, holder="b", unconfirmed=3) == "stop"


def test_a_lost_hosts_run_is_recorded_and_begun_again_elsewhere() -> None:
    running = {"state": replace(IDLE, running=RUN), "host": "b"}
    assert kind(**running, holder="a", free=0) == "nothing"
    assert kind(**running, free=14) == "nothing"
    assert kind(**running, free=16) == "acquire"
    assert kind(**running, holder="b", held=59) == "nothing"
    step = decide(JOB, view(**running, holder="b", held=61))
    assert step.kind == "claim"
    assert step.state is not None
    assert step.state.last is not None
    assert step.state.running is not None
    assert step.state.last.outcome == "lost"
    assert (step.state.running.host, step.state.running.attempt) == ("b", 2)
    tired = replace(IDLE, running=replace(RUN, attempt=3))
    assert kind(state=tired, host="b", holder="b", held=61) == "end"


def test_a_person_watches_a_run_of_their_own_so_a_lost_one_is_not_repeated() -> None:
    state = replace(IDLE, running=replace(RUN, request="r1"))
    assert kind(state=state, host="b", holder="b", held=61) == "end"


def test_a_host_that_has_not_the_job_any_more_does_not_keep_its_lock() -> None:
    state = replace(IDLE, running=replace(RUN, host="gone"))
    assert kind(state=state, holder="gone", free=14) == "nothing"
    assert kind(state=state, holder="gone", free=16) == "break"


def test_a_container_that_nobody_wants_to_run_is_stopped() -> None:
    assert kind(state=replace(IDLE, due="2026-11-29T12:00:00Z"), container=RUNNING) == "stop"
    assert kind(state=replace(IDLE, running=RUN), host="b", container=RUNNING, holder="a") == "stop"


def test_an_idle_host_sleeps_until_the_next_time() -> None:
    before = NOON.replace(hour=11, minute=59, second=30)
    assert pause(JOB, view(now=before), decision.NOTHING) == pytest.approx(30)
    assert pause(JOB, view(now=before - timedelta(minutes=9)), decision.NOTHING) == decision.IDLE_SECONDS


# The fleet in small: Consul's lock and state, three hosts with an engine each, and everything that may happen to them.


@dataclass
class Host:
    """A host: its container, and what its scheduler remembers; `reaches` is whether it reaches Consul."""

    name: str
    container: Container = field(default_factory=lambda: Container(runs=False))
    reaches: bool = True
    lives: bool = True
    skew: float = 0
    confirmed_at: float = 0
    confirmed: bool = False
    held_since: float | None = None
    free_since: float | None = None
    kill_at: float | None = None
    stopped: str = ""
    pending: tuple[View, int] | None = None


@dataclass
class Fleet:
    """The hosts, and Consul."""

    now: float = 0
    holder: str = ""
    state: State | None = None
    version: int = 0
    most: int = 0
    starts: list[str] = field(default_factory=list)
    hosts: dict[str, Host] = field(default_factory=lambda: {name: Host(name) for name in HOSTS})

    def wall(self, host: Host) -> datetime:
        return NOON + timedelta(seconds=self.now + host.skew)

    def look(self, host: Host) -> None:
        run = self.state.running if self.state else None
        if host.reaches:
            if self.holder == host.name:
                host.confirmed_at, host.confirmed = self.now, True
                host.held_since = self.now if host.held_since is None else host.held_since
            else:
                host.held_since = None
            left = bool(run and not self.holder)
            host.free_since = (self.now if host.free_since is None else host.free_since) if left else None
        seen = View(
            now=self.wall(host),
            began=BEGAN,
            host=host.name,
            reachable=host.reaches,
            holder=self.holder,
            state=self.state,
            container=host.container,
            confirmed=host.confirmed,
            unconfirmed=self.now - host.confirmed_at,
            held=0 if host.held_since is None else self.now - host.held_since,
            free=0 if host.free_since is None else self.now - host.free_since,
            stopped=host.stopped,
        )
        host.pending = (seen, self.version)

    def act(self, host: Host) -> None:
        if host.pending is None:
            return
        (seen, version), host.pending = host.pending, None
        step = decide(JOB, seen)
        if step.kind == "start":
            assert not host.container.runs
            host.container = Container(runs=True, started=self.wall(host).isoformat())
            self.starts.append(host.name)
        elif step.kind == "stop":
            # Its program does not listen, so the engine kills it at the end of its time.
            host.stopped, host.kill_at = step.why, host.kill_at or self.now + decision.STOP_SECONDS
        elif not host.reaches:
            return
        elif step.kind in ("begin", "claim", "end"):
            if version == self.version:
                self.state, self.version = step.state, self.version + 1
        elif step.kind in ("acquire", "reacquire"):
            self.holder = self.holder or host.name
        elif step.kind == "release" and self.holder == host.name:
            self.holder = ""
        running = [one.name for one in self.hosts.values() if one.container.runs]
        self.most = max(self.most, len(running))
        assert len(running) <= 1, running

    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        for host in self.hosts.values():
            if host.kill_at is not None and self.now >= host.kill_at:
                self.end(host, 137)

    def end(self, host: Host, code: int) -> None:
        host.kill_at = None
        if host.container.runs:
            host.container = replace(host.container, runs=False, ended=self.wall(host).isoformat(), code=code)

    def happen(self, what: str, host: Host) -> None:
        match what:
            case "cut off":
                host.reaches = False
            case "part":
                # The longest that Consul's host and the job's may differ: it loses the lock as it last saw it.
                host.reaches, self.holder = False, "" if self.holder == host.name else self.holder
            case "join":
                host.reaches = True
            case "lose session" if self.holder == host.name:
                # Consul takes the host for dead, or its agent has restarted.
                self.holder = ""
            case "finish":
                self.end(host, 0)
            case "die":
                self.end(host, 137)
                host.lives, host.pending = False, None
                self.holder = "" if self.holder == host.name else self.holder
            case "boot":
                host.lives = True
                self.forget(host)
            case "restart program" if host.reaches:
                self.forget(host)

    def forget(self, host: Host) -> None:
        host.pending, host.confirmed, host.confirmed_at, host.stopped = None, False, self.now, ""
        host.held_since = host.free_since = None


EVENTS = (
    "look",
    "act",
    "look",
    "act",
    "cut off",
    "part",
    "join",
    "lose session",
    "finish",
    "die",
    "boot",
    "restart program",
)
HAPPENINGS = st.lists(
    st.tuples(st.sampled_from(EVENTS), st.sampled_from(HOSTS), st.sampled_from([0, 0, 1, 20, 40])), max_size=30
)


def every_scheduler_looks(fleet: Fleet, order: tuple[str, ...]) -> None:
    for name in order:
        if fleet.hosts[name].lives:
            fleet.look(fleet.hosts[name])
            fleet.act(fleet.hosts[name])


@settings(max_examples=150, deadline=None)
@given(HAPPENINGS, st.permutations(HOSTS), st.lists(st.floats(-20, 20), min_size=3, max_size=3))
def test_two_hosts_never_run_a_job_at_once(
    happenings: list[tuple[str, str, int]], order: list[str], skews: list[float]
) -> None:
    fleet = Fleet(state=IDLE)
    for host, skew in zip(fleet.hosts.values(), skews, strict=True):
        host.skew = skew
    for what, name, seconds in happenings:
        host = fleet.hosts[name]
        if what == "look" and host.lives:
            fleet.look(host)
        elif what == "act" and host.lives:
            fleet.act(host)
        else:
            fleet.happen(what, host)
        # A scheduler that lives looks at least this often.
        for _ in range(0, seconds, 2):
            fleet.pass_time(2)
            every_scheduler_looks(fleet, tuple(order))


@settings(max_examples=20, deadline=None)
@given(st.permutations(HOSTS), st.lists(st.floats(-20, 20), min_size=3, max_size=3))
def test_each_time_is_one_run_on_any_clocks(order: list[str], skews: list[float]) -> None:
    fleet = Fleet(state=IDLE)
    for host, skew in zip(fleet.hosts.values(), skews, strict=True):
        host.skew = skew
    for _ in range(127):
        fleet.pass_time(15)
        every_scheduler_looks(fleet, tuple(order))
        if fleet.now % 60 == 0:
            for host in fleet.hosts.values():
                fleet.happen("finish", host)
    assert len(fleet.starts) == 3  # 12:00, 12:15, 12:30


def test_a_dead_hosts_run_ends_up_on_another_host() -> None:
    fleet = Fleet(state=IDLE)
    for _ in range(5):
        fleet.pass_time(1)
        every_scheduler_looks(fleet, HOSTS)
    assert fleet.starts == ["a"]
    fleet.happen("die", fleet.hosts["a"])
    for _ in range(85):
        fleet.pass_time(1)
        every_scheduler_looks(fleet, HOSTS)
    assert fleet.starts == ["a", "b"]
    assert fleet.state is not None
    assert fleet.state.last is not None
    assert (fleet.state.last.outcome, fleet.state.last.host) == ("lost", "a")
