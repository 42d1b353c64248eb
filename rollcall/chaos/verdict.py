"""Judge a fault: what it may cost by docs/limits.md, whether the fleet is right again, and what it did cost. No I/O."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from rollcall.chaos import measure
from rollcall.chaos.measure import Allowance, Request
from rollcall.chaos.planned import Round
from rollcall.contract.timeouts import stretched
from rollcall.status.fleet_status import FleetStatus

# Consul notices a host that is silent after ten to twenty seconds; requests on their way to it may be lost.
NOTICE_SECONDS = 30.0
# Only a leader notices: without one the servers elect another first.
ELECTION_SECONDS = 10.0


@dataclass(frozen=True)
class Seen:
    """A fleet at one moment: what is wrong with it, and the instances that all fronts have in rotation."""

    wrong: tuple[str, ...]
    serving: frozenset[str]


@dataclass(frozen=True)
class Outcome:
    """What came of one round. `seconds` pass from its end until all is right again; `missing` is what is not."""

    planned: Round
    requests: int
    failed: int
    unexpected: tuple[str, ...]
    longest_gap: float
    seconds: float
    missing: tuple[str, ...] = ()

    @property
    def is_good(self) -> bool:
        """Whether the fleet is right again and no request failed that should not."""
        return not self.missing and not self.unexpected


def seen(status: FleetStatus) -> Seen:
    """Take from a status what a fault may change; notices do not count."""
    fronts = len(status.fronts)
    return Seen(
        tuple(f"{one.where}: {one.text}" for one in status.wrong if one.problem.severity != "notice"),
        frozenset(
            f"{row.node}/{row.id}"
            for service in status.services
            for row in service.rows
            if row.fronts == fronts and row.fronts and row.consul == "passing"
        ),
    )


def missing(before: Seen, now: Seen) -> tuple[str, ...]:
    """Return what keeps a fleet from being as it was, in words."""
    lost = sorted(before.serving - now.serving)
    return (*now.wrong, *([f"not in rotation: {', '.join(lost)}"] if lost else []))


def allowances(planned: Round, fronts: Collection[str], begun: Sequence[float], right: float) -> list[Allowance]:
    """Return which failures docs/limits.md allows.

    A front that is down, or cut off, takes its own visitors' requests with it. A host that is silent, instead of
    refusing, takes the requests on their way to it, until Consul notices.

    Args:
        planned: the faults.
        fronts: the names of all fronts.
        begun: when each of the faults began.
        right: when all was right again.
    """
    votes = {one.place.name for one in planned.faults if one.ends_a_vote}
    found = []
    for one, began in zip(planned.faults, begun, strict=True):
        if one.takes_a_front:
            found.append(Allowance(frozenset({one.place.name}), right))
        elif one.is_silent:
            notice = NOTICE_SECONDS + ELECTION_SECONDS * bool(votes - {one.place.name})
            found.append(Allowance(frozenset(fronts), began + stretched(notice)))
    return found


def outcome(
    planned: Round,
    requests: Sequence[Request],
    allowed: Sequence[Allowance],
    times: tuple[float, float, float],
    still_missing: tuple[str, ...],
) -> Outcome:
    """Judge a round.

    Args:
        planned: the faults.
        requests: those that ended since it began.
        allowed: the failures that are no alarm.
        times: when it began, when the last fault was ended, and when all was right again, or no longer waited for.
        still_missing: what was not right by then.
    """
    began, ended, right = times
    alarms = Counter(request.failure for request in measure.unexpected(requests, allowed))
    return Outcome(
        planned,
        len(requests),
        len(measure.failed(requests)),
        tuple(f"{count} × {failure}" for failure, count in alarms.most_common()),
        measure.longest_gap(requests, began, right),
        right - ended,
        still_missing,
    )
