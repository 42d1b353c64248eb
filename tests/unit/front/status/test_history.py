"""The last 15 minutes of each service, in memory of a fixed size."""

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollcall.front.status import history
from rollcall.front.status.document import Counts
from rollcall.front.status.history import SLOT_SECONDS, SLOTS, History

NGINX, SHOP = "nginx-80", "shop-80"
NOW = 1_000_000.0


@pytest.fixture
def remembered() -> History:
    return History()


def later(slots: float) -> float:
    return NOW + slots * SLOT_SECONDS


def test_tries_of_a_service_are_added_up(remembered: History) -> None:
    remembered.add({NGINX: Counts(30, 1, 0.3)}, NOW)
    remembered.add({NGINX: Counts(20, 0, 0.2)}, NOW)
    remembered.add({SHOP: Counts(5, 5, 0.0)}, NOW)
    found = remembered.series(later(1))
    assert (found["nginx-80"].rates[-1], found["nginx-80"].errors[-1], found["nginx-80"].milliseconds[-1]) == (5, 1, 10)
    assert (found["shop-80"].rates[-1], found["shop-80"].errors[-1]) == (0.5, 5)


def test_the_slot_of_this_moment_is_not_shown_before_it_is_complete(remembered: History) -> None:
    remembered.add({NGINX: Counts(10)}, NOW)
    assert remembered.series(NOW)["nginx-80"].rates == (0.0,) * SLOTS
    assert remembered.series(later(1))["nginx-80"].rates == (*(0.0,) * (SLOTS - 1), 1.0)


def test_a_slot_without_requests_has_no_mean(remembered: History) -> None:
    remembered.add({NGINX: Counts(10, 0, 1.0)}, NOW)
    remembered.add({NGINX: Counts(10, 0, 2.0)}, later(2))
    assert remembered.series(later(3))["nginx-80"].milliseconds[-3:] == (100.0, None, 200.0)


def test_what_is_older_than_15_minutes_is_gone(remembered: History) -> None:
    remembered.add({NGINX: Counts(10)}, NOW)
    assert sum(remembered.series(later(SLOTS))["nginx-80"].rates) == 1.0
    assert sum(remembered.series(later(SLOTS + 1))["nginx-80"].rates) == 0.0
    remembered.add({}, later(SLOTS + 1))
    assert remembered.series(later(SLOTS + 1)) == {}


def test_services_have_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "SERVICES", 3)
    found = History()
    for number in range(20):
        found.add({f"s-{number}": Counts(1)}, NOW)
    assert list(found.series(later(1))) == ["s-17", "s-18", "s-19"]


def test_a_service_takes_the_bytes_that_are_documented() -> None:
    """docs/status.md: 1.6 KB a service, with all of Python's own."""
    ring = history._Ring(0)
    arrays = [one for one in vars(ring).values() if not isinstance(one, int)]
    assert sum(len(one) * one.itemsize for one in arrays) == 1092
    assert sys.getsizeof(ring) + sys.getsizeof(vars(ring)) + sum(map(sys.getsizeof, arrays)) < 1700


@given(st.lists(st.tuples(st.integers(0, 300), st.integers(1, 1000)), max_size=60))
def test_each_slot_has_what_came_in_it(asked: list[tuple[int, int]]) -> None:
    """Whatever the gaps, and however often the ring went around."""
    found = History()
    asked = sorted(asked)
    for slot, requests in asked:
        found.add({NGINX: Counts(requests, requests, 0.001 * requests)}, later(slot))
    last = asked[-1][0] + 1 if asked else 0
    expected = [sum(requests for at, requests in asked if at == slot) for slot in range(last - SLOTS, last)]
    shown = found.series(later(last)).get("nginx-80")
    assert list(shown.errors if shown else [0] * SLOTS) == expected
