"""The last 15 minutes of each service, in memory of a fixed size."""

import sys
from dataclasses import replace

import pytest
from front_sight import instance
from hypothesis import given
from hypothesis import strategies as st

from rollcall.front.routing.model import Server, Upstream
from rollcall.front.status import history
from rollcall.front.status.document import Counts
from rollcall.front.status.history import SLOT_SECONDS, SLOTS, History

ONE, OTHER = instance("nginx-1"), instance("nginx-2", node="app2")
SHOP = instance("shop-1", service="shop-80")
NOW = 1_000_000.0


def upstream(*instances: object) -> Upstream:
    return Upstream("backends", tuple(Server(one, 1) for one in instances), ("nginx-80",))  # type: ignore[arg-type]


@pytest.fixture
def remembered() -> History:
    found = History()
    found.serves((upstream(ONE, OTHER), upstream(SHOP)))
    return found


def later(slots: float) -> float:
    return NOW + slots * SLOT_SECONDS


def test_instances_of_a_service_are_added_up(remembered: History) -> None:
    remembered.add({ONE.endpoint: Counts(30, 1, 0.3), OTHER.endpoint: Counts(20, 0, 0.2)}, NOW)
    remembered.add({SHOP.endpoint: Counts(5, 5, 0.0)}, NOW)
    found = remembered.series(later(1))
    assert (found["nginx-80"].rates[-1], found["nginx-80"].errors[-1], found["nginx-80"].milliseconds[-1]) == (5, 1, 10)
    assert (found["shop-80"].rates[-1], found["shop-80"].errors[-1]) == (0.5, 5)


def test_the_slot_of_this_moment_is_not_shown_before_it_is_complete(remembered: History) -> None:
    remembered.add({ONE.endpoint: Counts(10)}, NOW)
    assert remembered.series(NOW)["nginx-80"].rates == (0.0,) * SLOTS
    assert remembered.series(later(1))["nginx-80"].rates == (*(0.0,) * (SLOTS - 1), 1.0)


def test_a_slot_without_requests_has_no_mean(remembered: History) -> None:
    remembered.add({ONE.endpoint: Counts(10, 0, 1.0)}, NOW)
    remembered.add({ONE.endpoint: Counts(10, 0, 2.0)}, later(2))
    assert remembered.series(later(3))["nginx-80"].milliseconds[-3:] == (100.0, None, 200.0)


def test_what_is_older_than_15_minutes_is_gone(remembered: History) -> None:
    remembered.add({ONE.endpoint: Counts(10)}, NOW)
    assert sum(remembered.series(later(SLOTS))["nginx-80"].rates) == 1.0
    assert sum(remembered.series(later(SLOTS + 1))["nginx-80"].rates) == 0.0
    remembered.add({}, later(SLOTS + 1))
    assert remembered.series(later(SLOTS + 1)) == {}


def test_an_instance_that_left_still_finishes_requests(remembered: History) -> None:
    remembered.serves((upstream(ONE),))
    remembered.add({OTHER.endpoint: Counts(10)}, NOW)
    assert remembered.series(later(1))["nginx-80"].rates[-1] == 1.0


def test_an_address_belongs_to_whoever_has_it_now(remembered: History) -> None:
    remembered.serves((upstream(replace(SHOP, address=ONE.address, port=ONE.port)),))
    remembered.add({ONE.endpoint: Counts(10)}, NOW)
    assert list(remembered.series(later(1))) == ["shop-80"]


def test_requests_to_nobody_known_are_left_out(remembered: History) -> None:
    remembered.add({"10.9.9.9:80": Counts(10)}, NOW)
    assert remembered.series(later(1)) == {}


def test_services_and_servers_have_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "SERVICES", 3)
    monkeypatch.setattr(history, "SERVERS", 10)
    found = History()
    for number in range(20):
        one = replace(ONE, service=f"s-{number}", port=1000 + number)
        found.serves((upstream(one),))
        found.add({one.endpoint: Counts(1)}, NOW)
    assert list(found.series(later(1))) == ["s-17", "s-18", "s-19"]
    assert len(found._services) == 10


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
    found.serves((upstream(ONE),))
    asked = sorted(asked)
    for slot, requests in asked:
        found.add({ONE.endpoint: Counts(requests, requests, 0.001 * requests)}, later(slot))
    last = asked[-1][0] + 1 if asked else 0
    expected = [sum(requests for at, requests in asked if at == slot) for slot in range(last - SLOTS, last)]
    shown = found.series(later(last)).get("nginx-80")
    assert list(shown.errors if shown else [0] * SLOTS) == expected
