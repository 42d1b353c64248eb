"""When a certificate is ordered, renewed, and tried again."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollcall.acme import schedule
from rollcall.acme.certificate import Issued
from rollcall.acme.schedule import State
from rollcall.secrets import certificates

NOW = datetime(2026, 11, 29, tzinfo=UTC)
DIRECTORY = "https://acme.example.com/dir"
PAIR = certificates.issue(certificates.authority("test"), "x", ["shop.example.com"], "server")
ISSUED = Issued(PAIR.certificate, PAIR.key, DIRECTORY)
LIFETIME = ISSUED.end - ISSUED.begin


def test_a_name_without_a_certificate_is_ordered_at_once() -> None:
    assert schedule.next_try("a", None, State(), DIRECTORY) < NOW


def test_another_directory_means_another_certificate() -> None:
    assert schedule.next_try("a", ISSUED, State(), "https://other.example.com/dir") < NOW


@given(st.text(min_size=1))
def test_without_advice_it_is_renewed_before_two_thirds_of_its_lifetime(name: str) -> None:
    when = schedule.next_try(name, ISSUED, State(), DIRECTORY)
    assert 0.6 < (when - ISSUED.begin) / LIFETIME <= 2 / 3
    assert when == schedule.next_try(name, ISSUED, State(), DIRECTORY)


def test_names_are_renewed_at_different_times() -> None:
    assert len({schedule.next_try(f"{n}.example.com", ISSUED, State(), DIRECTORY) for n in range(50)}) > 30


def test_the_authoritys_advice_comes_first_and_only_for_its_certificate() -> None:
    state = schedule.advised(State(), ISSUED, NOW, NOW + timedelta(hours=6), NOW)
    assert schedule.next_try("a", ISSUED, state, DIRECTORY) == NOW
    assert schedule.next_try("a", ISSUED, replace(state, digest="another"), DIRECTORY) > NOW
    assert not schedule.advice_is_due(ISSUED, state, NOW)
    assert schedule.advice_is_due(ISSUED, state, NOW + timedelta(hours=6))
    assert schedule.advice_is_due(ISSUED, replace(state, digest="another"), NOW)


@pytest.mark.parametrize("local", [True, False])
def test_each_failure_waits_longer_up_to_a_limit(local: bool) -> None:
    state, waits = State(), []
    for _ in range(15):
        state = schedule.failed(state, "why", NOW, local=local, not_before=None, jitter=0.5)
        waits.append(datetime.fromisoformat(state.retry_at) - NOW)
    assert waits == sorted(waits) and waits[0] < waits[1]
    assert waits[-1] == (schedule.LONGEST_LOCAL_RETRY if local else schedule.LONGEST_RETRY)
    # Let's Encrypt: five failed validations in an hour.
    assert local or sum(waits[:4], timedelta()) > timedelta(hours=1)


def test_retry_after_is_respected() -> None:
    later = NOW + timedelta(days=3)
    state = schedule.failed(State(), "why", NOW, local=False, not_before=later, jitter=0)
    assert schedule.next_try("a", None, state, DIRECTORY) == later
    assert schedule.read(schedule.written(state)) == state


@pytest.mark.parametrize("value", [None, b"", b"{", b"[]", b'{"unknown": 1}'])
def test_an_unreadable_state_counts_as_none(value: bytes | None) -> None:
    assert schedule.read(value) == State()


def test_a_clock_that_was_set_back_leaves_no_long_wait() -> None:
    ahead = NOW + timedelta(days=40)
    state = schedule.failed(State(), "why", ahead, local=True, not_before=None, jitter=0)
    state = schedule.advised(state, ISSUED, None, ahead + timedelta(hours=1), ahead)
    assert not schedule.is_due("a", None, state, DIRECTORY, ahead)
    assert schedule.is_due("a", None, state, DIRECTORY, NOW)
    assert schedule.is_due("a", ISSUED, state, DIRECTORY, NOW)
    # Hosts' clocks differ by seconds.
    assert not schedule.is_due("a", None, state, DIRECTORY, ahead - timedelta(seconds=30))


def test_whoever_asks_for_a_certificate_gets_it_at_once_and_is_not_forgotten_by_a_failure() -> None:
    assert schedule.next_try("a", ISSUED, State(asked=True), DIRECTORY) < NOW
    for before, asked in ((State(), True), (State(asked=True), False)):
        after = schedule.failed(before, "why", NOW, local=True, not_before=None, jitter=0, asked=asked)
        assert after.asked and schedule.next_try("a", ISSUED, after, DIRECTORY) > NOW
    assert not schedule.failed(State(), "why", NOW, local=True, not_before=None, jitter=0).asked


# Renewed later, and the authority is asked for its advice later.
GOOD = schedule.advised(State(), ISSUED, NOW + timedelta(days=30), NOW + timedelta(hours=6), NOW)
BEFORE, AFTER = ((NOW + timedelta(hours=hours)).isoformat() for hours in (-1, 1))


@pytest.mark.parametrize(
    ("change", "due"),
    [
        ({}, False),
        ({"renew_at": BEFORE}, True),
        ({"ask_at": BEFORE}, True),
        ({"ask_at": BEFORE, "retry_at": AFTER}, False),
        ({"ask_at": BEFORE, "retry_at": BEFORE}, True),
        ({"error": "why", "retry_at": BEFORE}, True),
        ({"error": "why", "retry_at": AFTER}, False),
    ],
    ids=[
        "nothing",
        "renewal",
        "advice",
        "advice after a failure",
        "advice again",
        "a moot failure",
        "a recent failure",
    ],
)
def test_what_is_due(change: dict[str, str], due: bool) -> None:
    assert schedule.is_due("a", ISSUED, replace(GOOD, **change), DIRECTORY, NOW) is due  # type: ignore[arg-type]


def test_a_failure_is_moot_only_while_nothing_needs_another_try() -> None:
    failure = replace(GOOD, error="why", retry_at=BEFORE)
    assert schedule.is_moot("a", ISSUED, failure, DIRECTORY, NOW)
    assert not schedule.is_moot("a", ISSUED, replace(failure, renew_at=BEFORE), DIRECTORY, NOW)
    assert not schedule.is_moot("a", None, failure, DIRECTORY, NOW)
