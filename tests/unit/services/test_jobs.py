"""How jobs are shown: their next time, their last result, and what a person should look at."""

import base64
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from six_hosts import checked

from rollcall.contract.jobs import Result, Run, State
from rollcall.scheduler import metrics
from rollcall.scheduler.decision import Job
from rollcall.services import jobs

NOW = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
FLEET = checked(services=[{"name": "backup", "image": "example/backup:2", "schedule": "17 3 * * *"}])
GOOD = Result("app1", "2026-11-29T03:17:00Z", "2026-11-29T03:17:01Z", "2026-11-29T03:18:01Z", "done", 0)
STATE = State("2026-11-29T03:17:00Z", "17 3 * * * UTC", last=GOOD, succeeded=GOOD.ended)


def row(state: State | None) -> jobs.JobRow:
    entries = [{"Key": "rollcall/jobs/backup/state", "Value": base64.b64encode(state.text.encode())}] if state else []
    [found] = jobs.rows(FLEET, jobs.states([*entries, {"Key": "rollcall/jobs/backup/lock", "Value": None}]), NOW)
    return found


def test_a_job_is_shown_with_its_next_time_and_last_result() -> None:
    found = row(STATE)
    assert (found.next, found.result, found.remarks) == ("2026-11-30T03:17:00Z", "done on app1", ())
    assert found.version == "2"


def test_where_it_runs_and_since_when() -> None:
    found = row(replace(STATE, running=Run("app2", "2026-11-29T11:59:00Z", "2026-11-29T11:59:02Z")))
    assert (found.running, found.since) == ("app2", "2026-11-29T11:59:02Z")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"code": 3}, "exit status 3 on app1"),
        ({"outcome": "timeout", "code": 143, "text": "too long"}, "timeout, exit status 143 on app1 (too long)"),
        ({"outcome": "lost", "code": None}, "lost on app1"),
        ({"outcome": "refused", "code": None, "text": "no such mount"}, "refused on app1 (no such mount)"),
    ],
)
def test_a_run_that_failed_is_a_remark(change: dict[str, Any], words: str) -> None:
    found = row(replace(STATE, last=replace(GOOD, **change)))
    assert found.result == words
    assert found.remarks == (f"its last run failed: {words}, 2026-11-29T03:18:01Z",)


def test_a_time_at_which_nobody_ran_it_is_a_remark() -> None:
    assert row(replace(STATE, due="2026-11-28T03:17:00Z")).remarks == ("no host ran it at 2026-11-29T03:17:00Z",)
    # One that runs, or of another schedule, is not late.
    run = Run("app2", "2026-11-28T03:17:00Z", "2026-11-28T03:17:02Z")
    assert row(replace(STATE, due="2026-11-28T03:17:00Z", running=run)).remarks == ()
    assert row(replace(STATE, due="2026-11-28T03:17:00Z", schedule="0 * * * * UTC")).remarks == ()


def test_a_job_that_no_scheduler_knows_is_a_remark() -> None:
    assert row(None).remarks == ("no scheduler has seen it yet; deploy, or see docker logs scheduler on its hosts",)


def test_a_state_of_another_version_is_none() -> None:
    assert jobs.states([{"Key": "rollcall/jobs/backup/state", "Value": base64.b64encode(b'{"due": 1}')}]) == {}


class Watched:
    """A job as a scheduler has it."""

    job = Job("backup", "17 3 * * *", "UTC", 60, 10, ("app1",))
    state: State | None = STATE


def test_the_figures_for_prometheus() -> None:
    text = metrics.text([Watched()])
    assert "# TYPE rollcall_job_running gauge" in text
    assert 'rollcall_job_last_duration_seconds{job="backup"} 60\n' in text
    assert 'rollcall_job_last_success{job="backup"} 1\n' in text
    assert 'rollcall_job_last_success_timestamp_seconds{job="backup"} 1795922281\n' in text
