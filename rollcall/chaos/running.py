"""Make rounds of faults happen one after the other: begin, hold, end, wait until all is right again."""

import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from rollcall import signals, waiting
from rollcall.chaos import host_scripts, survey, verdict
from rollcall.chaos.load import Load
from rollcall.chaos.planned import Planned, Round
from rollcall.chaos.verdict import Outcome, Seen
from rollcall.chaos.world import World
from rollcall.contract.timeouts import stretched
from rollcall.errors import RollcallError
from rollcall.remote.run import Shell
from rollcall.status.fleet_status import FleetStatus

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# Filling a disk and stopping containers are the longest commands.
COMMAND_TIMEOUT_SECONDS = 120.0
POLL_SECONDS = 0.5
# Autopilot looks every two seconds, and calls a busy server unhealthy whose last contact is 200 ms ago.
SETTLED_SECONDS = 10.0
# So much passes after each fault, for requests that show the fleet at rest.
REST_SECONDS = 2.0


@dataclass
class Run:
    """One run of faults.

    Args:
        world: the fleet.
        shells: a shell for each host, by name.
        look: reads the fleet.
        before: the fleet as it was at first, and must be again.
        load: visitors who request meanwhile.
        deadline: seconds until all must be right again after a fault.
        told: is told each fault, and what came of it.
    """

    world: World
    shells: Mapping[str, Shell]
    look: Callable[[], Seen]
    before: Seen
    load: Load
    deadline: float
    told: Callable[[str], None]
    outcomes: list[Outcome] = field(default_factory=list)
    _pause: threading.Event = field(default_factory=threading.Event)

    def go(self, planned: Iterator[Round], seconds: float, stopped: Callable[[], str]) -> str:
        """Make faults happen for a time; return why that ended early, or "".

        A fault that leaves something wrong is the last one. Whatever ends this, the fault that is under way is ended.

        Args:
            planned: the faults.
            seconds: no fault begins later; the first one does in any case.
            stopped: returns why no further fault may begin, or "".
        """
        until = time.monotonic() + seconds
        for one in planned:
            if self.outcomes and time.monotonic() + one.usual_seconds > until:
                return ""
            if why := stopped():
                return why
            self._one(one)
            if self.outcomes[-1].missing:
                return "the fleet is not right again"
        return ""

    def _one(self, planned: Round) -> None:
        """Make one round happen. Ctrl-C ends it early, and the fleet is waited for all the same."""
        for one in planned.faults:
            self.told(f"{one.label}: {one.fault.summary}")
        begun, missing, interrupted = self._disturb(planned)
        ended = time.monotonic()
        try:
            right, later = self._until_right(ended)
            self._pause.wait(REST_SECONDS)
            self.load.settle()
            served, failing = self._until_served(ended, right)
            later += failing
        except KeyboardInterrupt:
            interrupted = True
            right = served = time.monotonic()
            later = ("interrupted before all was right again",)
        allowed = verdict.allowances(planned, self.load.fronts, begun, right)
        times = (begun[0], ended, served)
        self.outcomes.append(verdict.outcome(planned, self.load.taken(), allowed, times, missing + later))
        if interrupted:
            raise KeyboardInterrupt

    def _disturb(self, planned: Round) -> tuple[list[float], tuple[str, ...], bool]:
        """Begin each fault and end it in its time, early after Ctrl-C or if one does not begin.

        Returns when each began, or was about to; what went wrong; and whether somebody pressed Ctrl-C.
        """
        begun = [time.monotonic()] * len(planned.faults)
        missing, interrupted = tuple[str, ...](), False
        until: dict[Planned, float] = {}
        try:
            for number, one in enumerate(planned.faults):
                begun[number] = time.monotonic()
                until[one] = 0.0
                # A begin that lost its connection could go on after the end.
                with signals.postponed(*ENDING):
                    missing += _begin(one, self.world, self.shells[one.place.name])
                until[one] = time.monotonic() + one.fault.hold_seconds
            while until and not missing:
                one = min(until, key=lambda fault: until[fault])
                self._pause.wait(max(0.0, until[one] - time.monotonic()))
                with signals.postponed(*ENDING):
                    missing += self._end(until, one)
        except KeyboardInterrupt:
            interrupted = True
        try:
            with signals.postponed(*ENDING):
                for one in list(until):
                    missing += self._end(until, one)
        except KeyboardInterrupt:
            interrupted = True
        return begun, missing, interrupted

    def _end(self, until: dict[Planned, float], one: Planned) -> tuple[str, ...]:
        del until[one]
        return _end(one, self.shells[one.place.name])

    def _until_served(self, ended: float, right: float) -> tuple[float, tuple[str, ...]]:
        """Wait until no visitor's last request failed; return when, and what still fails."""
        if not self.load.failures():
            return right, ()
        # A front that is right and does not serve is what a fault may bring to light.
        waiting.until(lambda: not self.load.failures(), ended + stretched(self.deadline) - time.monotonic())
        return time.monotonic(), tuple(f"requests fail {failure}" for failure in self.load.failures())

    def _until_right(self, ended: float) -> tuple[float, tuple[str, ...]]:
        """Wait until all is right again; return when, or when it was no longer waited for, and what is missing."""
        until = ended + stretched(self.deadline)
        while True:
            try:
                missing = verdict.missing(self.before, self.look())
            except (RollcallError, ValueError) as problem:
                missing = (str(problem),)
            if not missing or time.monotonic() > until:
                return time.monotonic(), missing
            self._pause.wait(POLL_SECONDS)


def _begin(planned: Planned, world: World, shell: Shell) -> tuple[str, ...]:
    """Begin a fault; return why it did not, in a sentence."""
    try:
        shell.read(planned.begin(world), timeout_seconds=COMMAND_TIMEOUT_SECONDS)
    except RollcallError as problem:
        return (f"the fault did not begin: {problem}",)
    return ()


def _end(planned: Planned, shell: Shell) -> tuple[str, ...]:
    """End a fault; return what is in its way, in a sentence. Its guard on the host still ends it then."""
    try:
        shell.read(planned.end(), timeout_seconds=COMMAND_TIMEOUT_SECONDS)
    except RollcallError as problem:
        return (f"could not end the fault, which its guard on the host does within a minute: {problem}",)
    return ()


def settled(look: Callable[[], FleetStatus]) -> FleetStatus:
    """Look until nothing is wrong, or for a moment; return the last look."""
    looks: list[FleetStatus] = []

    def is_right() -> bool:
        looks.append(look())
        return not verdict.seen(looks[-1]).wrong

    waiting.until(is_right, stretched(SETTLED_SECONDS), POLL_SECONDS)
    return looks[-1]


def heal(shells: Mapping[str, Shell]) -> dict[str, Sequence[str]]:
    """End on all hosts what an earlier run left behind; return the faults by host.

    Raises:
        RollcallError: a host does not respond, or something cannot be undone.
    """
    said = survey.read_all(shells, host_scripts.HEAL, timeout_seconds=COMMAND_TIMEOUT_SECONDS)
    return {name: found for name, text in said.items() if (found := text.split())}
