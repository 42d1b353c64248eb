"""When the authority is looked at, and what ends an outage."""

from itertools import pairwise

import pytest

from rollcall.acme.outage import LONGEST_SECONDS, Outage


@pytest.fixture
def outage() -> Outage:
    """One that is over, at 100."""
    made = Outage()
    assert made.take_turn(99)
    made.note(responds=False, now=99)
    made.note(responds=True, now=100)
    made.works()
    return made


def test_an_order_without_a_response_is_no_outage_where_the_directory_responds(outage: Outage) -> None:
    assert not outage.take_turn(200)
    outage.suspect(200)
    assert outage.take_turn(230)
    assert not outage.note(responds=True, now=231)
    assert not outage.take_turn(300)


def test_an_outage_ends_once_and_is_looked_at_less_often(outage: Outage) -> None:
    outage.suspect(200)
    looks, now = [], 200.0
    while len(looks) < 8:
        if outage.take_turn(now):
            looks.append(now)
            assert not outage.note(responds=False, now=now)
        now += 0.5
    between = [later - earlier for earlier, later in pairwise(looks)]
    assert between == sorted(between) and between[-1] == LONGEST_SECONDS
    assert outage.note(responds=True, now=now) and not outage.note(responds=True, now=now + 1)


def test_an_order_that_began_in_an_outage_is_tried_at_once_after_it(outage: Outage) -> None:
    outage.suspect(99.5)
    assert outage.take_turn(130)
    assert outage.note(responds=True, now=130)


def test_orders_that_fail_beside_a_directory_that_responds_do_not_hurry_each_other(outage: Outage) -> None:
    ends = 0
    for moment in range(200, 400):
        outage.suspect(moment)
        if outage.take_turn(moment):
            ends += outage.note(responds=True, now=moment)
    assert ends == 0


def test_whoever_takes_the_lock_assumes_an_outage_until_it_has_looked() -> None:
    outage = Outage()
    assert outage.take_turn(0)
    assert outage.note(responds=True, now=0)
