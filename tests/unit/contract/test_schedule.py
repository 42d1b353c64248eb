"""When a job is due, also where clocks are changed for the summer."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rollcall.contract import schedule

BERLIN = "Europe/Berlin"
SPRING, AUTUMN = datetime(2026, 3, 28, 12, tzinfo=UTC), datetime(2026, 10, 24, 12, tzinfo=UTC)


def times(text: str, zone: str, after: datetime, count: int) -> list[str]:
    found = []
    for _ in range(count):
        after = schedule.following(text, zone, after)
        found.append(after.strftime("%d %H:%M"))
    return found


@pytest.mark.parametrize("text", ["17 3 * * *", "@daily", "*/5 8-18 * * mon-fri", "0 0 L * *", "0 9 * * 1#1"])
def test_schedules_of_cron(text: str) -> None:
    assert schedule.schedule(text) == text


@pytest.mark.parametrize("text", ["", "@reboot", "61 3 * * *", "17 3 * *", "0 17 3 * * *", "0 0 31 2 *", "daily"])
def test_no_schedules(text: str) -> None:
    with pytest.raises(ValueError, match="invalid schedule"):
        schedule.schedule(text)


@pytest.mark.parametrize("name", ["", "Mars/Base", "../UTC", "/etc/passwd"])
def test_no_time_zones(name: str) -> None:
    with pytest.raises(ValueError, match="unknown time zone"):
        schedule.timezone(name)
    assert schedule.timezone(BERLIN) == BERLIN


def test_a_time_that_the_spring_leaves_out_comes_right_after_it() -> None:
    assert times("30 2 * * *", BERLIN, SPRING, 2) == ["29 01:00", "30 00:30"]


def test_a_time_that_the_autumn_repeats_comes_once() -> None:
    assert times("30 2 * * *", BERLIN, AUTUMN, 2) == ["25 00:30", "26 01:30"]


def test_an_hourly_job_runs_each_hour_that_passes() -> None:
    assert times("0 * * * *", BERLIN, AUTUMN + timedelta(hours=11), 4) == [
        "25 00:00",
        "25 01:00",
        "25 02:00",
        "25 03:00",
    ]


@example("30 2 * * *", AUTUMN, 47400)
@given(
    st.sampled_from(["30 2 * * *", "*/7 * * * *", "0,30 2,3 * * *", "15 1-3 * * *"]),
    st.sampled_from([SPRING, AUTUMN]),
    st.integers(0, 24 * 3600),
)
def test_hosts_that_look_at_different_moments_see_the_same_times(text: str, day: datetime, seconds: int) -> None:
    now = day + timedelta(seconds=seconds)
    last = schedule.latest(text, BERLIN, now, timedelta(minutes=10))
    first = schedule.following(text, BERLIN, now - timedelta(minutes=10))
    assert first > now - timedelta(minutes=10)
    assert (last is None) == (first > now)
    if last is not None:
        assert now - timedelta(minutes=10) < last <= now
        assert schedule.following(text, BERLIN, last - timedelta(seconds=1)) == last
        assert schedule.following(text, BERLIN, last) > now
