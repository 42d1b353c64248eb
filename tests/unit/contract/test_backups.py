"""When a fleet's newest timed backup is too old."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollcall.contract.backups import LATE_FACTOR, Record, parse, period, problems

MADE = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
NEWEST = Record(int(MADE.timestamp()), "consul2", "/srv/b/consul-2026-11-29T120000Z.snapshot", 3456, 78)


def after(seconds: float) -> datetime:
    return MADE + timedelta(seconds=seconds)


def test_a_record_is_read_as_it_was_written() -> None:
    assert parse(json.dumps(NEWEST.to_json())) == NEWEST


@pytest.mark.parametrize("body", ["", "{", "[]", "7", '{"time": "x"}', '{"time": 1}', "Permission denied"])
def test_any_other_text_is_no_record(body: str) -> None:
    assert parse(body) is None


@given(every=st.integers(10, 10**6), age=st.integers(0, 10**7))
def test_a_backup_is_late_after_two_periods_and_not_before(every: int, age: int) -> None:
    assert bool(problems(NEWEST, every, after(age))) == (age > LATE_FACTOR * every)


def test_the_sentence_has_age_place_and_period() -> None:
    (one,) = problems(NEWEST, 3600, after(3 * 3600 + 60))
    assert one.text == (
        "the newest backup of Consul is 3 h 1 min old, /srv/b/consul-2026-11-29T120000Z.snapshot on consul2; "
        "one is due every 1 h"
    )
    assert (one.kind, one.severity) == ("backup", "warning")
    # Still the same problem when it is older.
    assert problems(NEWEST, 3600, after(9 * 3600))[0].key == one.key


def test_a_fleet_without_the_setting_needs_none_and_one_with_it_does() -> None:
    assert problems(None, 0, MADE) == problems(NEWEST, 0, after(10**6)) == []
    assert [one.text for one in problems(None, 90, MADE)] == [
        "no backup of Consul has been made; one is due every 90 s"
    ]


@pytest.mark.parametrize(("seconds", "text"), [(90, "90 s"), (120, "2 min"), (3600, "1 h"), (172800, "2 d")])
def test_periods(seconds: int, text: str) -> None:
    assert period(seconds) == text
