"""Decide when a name's certificate is ordered, renewed, or tried again. No I/O."""

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta

from rollcall.acme.certificate import Issued

# Let's Encrypt allows five failed validations of a name in an hour.
FIRST_RETRY = timedelta(minutes=15)
LONGEST_RETRY = timedelta(days=1)
# Where nothing was asked of the authority: the name does not lead here, or there is no connection.
FIRST_LOCAL_RETRY = timedelta(minutes=1)
LONGEST_LOCAL_RETRY = timedelta(hours=1)
# Share of the lifetime after which to renew without the authority's own advice.
RENEWAL = 2 / 3
# The renewals of one day's certificates spread over this share of their lifetime.
JITTER = 1 / 20
# How far a state may come from the future: hosts' clocks differ a little.
CLOCKS_DIFFER = timedelta(hours=1)


@dataclass(frozen=True)
class State:
    """What is known of one name besides its certificate; times are ISO 8601, empty where there is none.

    `renew_at` is the time that the authority advised for the certificate with this `digest`, `ask_at` when to ask it
    again. `failures` counts those in a row. `noted_at` is when the waiting times were decided. `asked` says that
    somebody asked for a renewal which failed, `unreachable` that the authority did not respond to the last order.
    """

    error: str = ""
    failures: int = 0
    retry_at: str = ""
    digest: str = ""
    renew_at: str = ""
    ask_at: str = ""
    noted_at: str = ""
    asked: bool = False
    unreachable: bool = False


def written(state: State) -> bytes:
    """Write a state as JSON."""
    return json.dumps(asdict(state)).encode()


def read(value: bytes | None) -> State:
    """Read a state; an unreadable one, such as another version's, counts as none."""
    try:
        return State(**json.loads(value)) if value else State()
    except (ValueError, TypeError):
        return State()


def trusted(state: State, now: datetime) -> State:
    """Return the state without waiting times that a clock decided which was ahead, and has been set back."""
    if state.noted_at and datetime.fromisoformat(state.noted_at) > now + CLOCKS_DIFFER:
        return replace(state, retry_at="", ask_at="")
    return state


def next_try(name: str, issued: Issued | None, state: State, directory: str) -> datetime:
    """Return when to order or renew: a time in the past is now."""
    retry = datetime.fromisoformat(state.retry_at) if state.retry_at else datetime.min.replace(tzinfo=UTC)
    if issued is None or issued.directory != directory or state.asked:
        return retry
    return max(retry, renewal(name, issued, state))


def renewal(name: str, issued: Issued, state: State) -> datetime:
    """Return when to renew: as the authority advises for this certificate, else after two thirds of its lifetime."""
    if state.renew_at and state.digest == issued.digest:
        return datetime.fromisoformat(state.renew_at)
    lifetime = issued.end - issued.begin
    # The same for each program and each run, and different for each name.
    spread = hashlib.sha256(name.encode()).digest()[0] / 255
    return issued.begin + lifetime * (RENEWAL - JITTER * spread)


def advice_is_due(issued: Issued, state: State, now: datetime) -> bool:
    """Whether to ask the authority when to renew."""
    return state.digest != issued.digest or not state.ask_at or datetime.fromisoformat(state.ask_at) <= now


def failed(
    state: State,
    error: str,
    now: datetime,
    *,
    local: bool,
    not_before: datetime | None,
    jitter: float,
    asked: bool = False,
    unreachable: bool = False,
) -> State:
    """Return the state after a failure.

    Args:
        state: the state before.
        error: the reason, one sentence.
        now: this moment.
        local: nothing was asked of the authority.
        not_before: the authority's Retry-After.
        jitter: from 0 to 1.
        asked: somebody asked for it.
        unreachable: the authority did not respond.
    """
    first, longest = (FIRST_LOCAL_RETRY, LONGEST_LOCAL_RETRY) if local else (FIRST_RETRY, LONGEST_RETRY)
    wait = min(longest, first * 2 ** min(state.failures, 20)) * (0.9 + 0.2 * jitter)
    retry = max(now + wait, not_before or now)
    return replace(
        state,
        error=error,
        failures=state.failures + 1,
        retry_at=retry.isoformat(),
        noted_at=now.isoformat(),
        asked=state.asked or asked,
        unreachable=unreachable,
    )


def advised(state: State, issued: Issued, renew_at: datetime | None, ask_at: datetime, now: datetime) -> State:
    """Return the state with the authority's advice; without any, `renew_at` stays empty."""
    when = renew_at.isoformat() if renew_at else ""
    return replace(state, digest=issued.digest, renew_at=when, ask_at=ask_at.isoformat(), noted_at=now.isoformat())


def is_due(name: str, issued: Issued | None, state: State, directory: str, now: datetime) -> bool:
    """Whether to order, to renew, to ask the authority when to renew, or to forget a failure."""
    state = trusted(state, now)
    if next_try(name, issued, state, directory) <= now or is_moot(name, issued, state, directory, now):
        return True
    return issued is not None and not is_waiting(state, now) and advice_is_due(issued, state, now)


def is_moot(name: str, issued: Issued | None, state: State, directory: str, now: datetime) -> bool:
    """Whether an order failed that nobody needs any more, as one that only a wrong clock wanted."""
    has_failed = bool(state.error) and not state.asked and not is_waiting(state, now)
    return has_failed and issued is not None and next_try(name, issued, state, directory) > now


def is_waiting(state: State, now: datetime) -> bool:
    """Whether a failure was too recent to try again."""
    return bool(state.retry_at) and datetime.fromisoformat(state.retry_at) > now
