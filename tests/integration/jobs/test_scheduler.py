"""The scheduler in its container behind the filter: it starts a job's container, and writes how it ended."""

from collections.abc import Callable
from typing import Any

import pytest
from jobs_world import JOB, World, fleet
from waiting import always

from rollcall.contract import jobs
from rollcall.scheduler import http

Until = Callable[..., Any]


def test_a_job_runs_once_at_its_time_and_its_result_is_kept(world: World, until: Until) -> None:
    wanted = fleet("echo reported; sleep 0.5; exit 3")
    world.kv.due(wanted)
    world.deploy(wanted)
    last = until(world.kv.last, "a result", 20)
    assert (last.host, last.outcome, last.code) == ("app1", "done", 3)
    assert world.job.logs().decode() == "reported\n"
    until(lambda: not world.kv.holder(), "a free lock")
    state = world.kv.state()
    assert state is not None
    assert state.due == last.due
    assert f'rollcall_job_last_exit_code{{job="{JOB}"}} 3' in world.metrics()
    assert f'rollcall_job_last_success{{job="{JOB}"}} 0' in world.metrics()

    # Again when a person wants it, and only then.
    started = world.job.attrs["State"]["StartedAt"]
    world.kv.want()
    until(lambda: (world.kv.last() or last).request == "r1", "the wanted run", 10)
    assert world.job.attrs["State"]["StartedAt"] != started
    assert world.job.logs().decode() == "reported\nreported\n"


def test_a_restarted_scheduler_takes_up_the_run(world: World, until: Until) -> None:
    wanted = fleet("sleep 4; echo done")
    world.kv.due(wanted)
    world.deploy(wanted)
    until(lambda: world.job.attrs["State"]["Running"], "a run", 20)
    started = world.job.attrs["State"]["StartedAt"]
    world.scheduler.kill()
    world.scheduler.start()
    last = until(world.kv.last, "a result", 20)
    assert (last.outcome, last.code) == ("done", 0)
    assert world.job.attrs["State"]["StartedAt"] == started


def test_an_update_waits_for_the_run_and_loses_no_result(world: World, until: Until) -> None:
    wanted = fleet("sleep 3; echo done")
    world.kv.due(wanted)
    world.deploy(wanted)
    until(lambda: world.job.attrs["State"]["Running"], "a run", 20)
    world.update()
    assert world.job.attrs["State"]["Status"] == "created"
    last = until(world.kv.last, "a result", 10)
    assert (last.outcome, last.code) == ("done", 0)
    always(lambda: world.job.attrs["State"]["Status"] == "created", "no second run", 3)


def test_a_run_is_stopped_at_its_timeout(world: World, until: Until) -> None:
    wanted = fleet("trap 'echo asked; exit 9' TERM; sleep 60 & wait", timeout=2)
    world.kv.due(wanted)
    world.deploy(wanted)
    last = until(world.kv.last, "a result", 20)
    assert (last.outcome, last.code) == ("timeout", 9)
    assert world.job.logs().decode() == "asked\n"


def test_what_the_engine_refuses_is_the_result(world: World, until: Until) -> None:
    wanted = fleet("true", options={"entrypoint": ["/no/such/program"]})
    world.kv.due(wanted)
    world.deploy(wanted)
    last = until(world.kv.last, "a result", 20)
    assert last.outcome == "refused"
    assert "/no/such/program" in last.text


@pytest.mark.long
def test_a_run_without_its_lock_is_stopped(world: World, until: Until) -> None:
    wanted = fleet("sleep 300", stop_timeout=1)
    world.kv.due(wanted)
    world.deploy(wanted)
    until(lambda: world.job.attrs["State"]["Running"], "a run", 20)

    # An agent that restarts loses the session; the same host takes the lock again.
    for session in world.kv.api.session.list()[1]:
        world.kv.api.session.destroy(session["ID"])
    until(lambda: world.kv.holder() == "app1", "the lock again", 10)
    assert world.job.attrs["State"]["Running"]

    # Without an agent nobody knows.
    world.kv.container.pause()
    try:
        until(lambda: not world.job.attrs["State"]["Running"], "the end of the run", 60)
    finally:
        world.kv.container.unpause()
    last = until(world.kv.last, "a result", 30)
    assert last.outcome == "stopped"
    assert "lost the job's lock" in last.text


def test_a_host_out_of_service_begins_no_run(world: World, until: Until) -> None:
    world.kv.api.agent.maintenance(True, "test")
    try:
        wanted = fleet("true")
        world.kv.due(wanted)
        world.deploy(wanted)
        until(lambda: "rollcall_job_running{" in world.metrics(), "a look at the job")
        always(lambda: world.kv.last() is None and not world.kv.holder(), "no run", 3)
    finally:
        world.kv.api.agent.maintenance(False)
    until(world.kv.last, "a result", 20)


REFUSED = (
    "GET /containers/json",
    "GET /containers/registrator/json",
    "POST /containers/registrator/stop?t=1",
    "POST /containers/create",
    "POST /containers/rollcall-test-job/exec",
    "POST /containers/rollcall-test-job/update",
    "DELETE /containers/rollcall-test-job",
    "POST /containers/../containers/x-job/start",
    "POST /containers/x-job/start?detachKeys=a",
)


def test_the_filter_lets_a_scheduler_do_nothing_else(world: World) -> None:
    world.deploy(fleet("true"))
    assert world.filter is not None
    socket = str(world.filter.path.parent / "jobs" / "docker.sock")
    for line in REFUSED:
        assert http.send(socket, *line.split(), seconds=5).status == 403, line
    own = f"/containers/{jobs.container(JOB)}/json"
    assert http.send(socket, "GET", own, seconds=5).status == 200
