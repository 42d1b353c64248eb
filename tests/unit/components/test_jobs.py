"""What a job becomes on a host, and what is refused before any host is touched."""

import json
from typing import Any

import pytest
from own_components import resources
from six_hosts import checked

from rollcall.components import access
from rollcall.components.component import HostFacts
from rollcall.config.fleet import Fleet
from rollcall.converge import docker_commands
from rollcall.converge.host_state import HostState
from rollcall.converge.resources import Container, File
from rollcall.errors import RollcallError
from rollcall.scheduler import settings
from rollcall.scheduler.decision import Job
from rollcall.secrets.store import Secrets
from rollcall.services.work import host_work

JOB = {"name": "backup", "image": "example/backup:2", "schedule": "17 3 * * *"}


def fleet_with(**job: Any) -> Fleet:
    return checked(services=[{**JOB, **job}])


FAULTS: list[tuple[dict[str, Any], str]] = [
    ({"schedule": "17 3 * *"}, "services[0].schedule: got '17 3 * *'; expected five fields of cron such as"),
    ({"schedule": "@reboot"}, "services[0].schedule: got '@reboot'; expected five fields of cron"),
    ({"schedule": 5}, "services[0].schedule: got 5; expected five fields of cron"),
    ({"timezone": "Berlin"}, "services[0].timezone: got 'Berlin'; expected a time zone such as"),
    ({"timeout": 0}, "services[0].timeout: got 0; expected an integer from 1 to 604800, in seconds"),
    ({"count": 1}, "services[0].count: got it with a schedule, and a job runs once, on one host; expected one of them"),
    ({"ports": [80]}, "services[0].ports: got it with a schedule, and a job serves nobody; expected one of them"),
    ({"public_port": 80}, "services[0].public_port: got it with a schedule"),
    ({"routes": [{"host": "a.example.com"}]}, "services[0].routes: got it with a schedule"),
    ({"streams": [{"port": 5432}]}, "services[0].streams: got it with a schedule"),
    ({"health": {"check": "none"}}, "services[0].health: got it with a schedule"),
    ({"tags": ["v2"]}, "services[0].tags: got it with a schedule"),
    ({"release": {"parallel": 2}}, "services[0].release.parallel: got it with a schedule, and a job has no releases"),
    ({"schedule": None, "timezone": "UTC"}, "services[0].timezone: got it without a schedule; expected both"),
    ({"schedule": None, "timeout": 5}, "services[0].timeout: got it without a schedule; expected both"),
]


@pytest.mark.parametrize(("job", "sentence"), FAULTS)
def test_what_cannot_work_is_one_sentence(job: dict[str, Any], sentence: str) -> None:
    with pytest.raises(RollcallError) as refusal:
        fleet_with(**job)
    assert sentence in str(refusal.value)
    assert "\n" not in str(refusal.value)


def made(fleet: Fleet, facts: HostFacts, secret: Secrets) -> dict[str, Container]:
    found = resources(fleet, "app1", facts, secret)
    assert not [one for one in found["services"] if isinstance(one, Container)]
    return {one.name: one for one in found["jobs"] if isinstance(one, Container)}


def test_a_job_is_a_container_that_stands_still_beside_a_scheduler(facts: HostFacts, secret: Secrets) -> None:
    own = made(fleet_with(release={"drain_timeout": 90}), facts, secret)
    assert list(own) == ["backup-job", "scheduler"]
    job = own["backup-job"]
    assert (job.restart, job.on_call, job.component) == ("no", True, "jobs")
    assert docker_commands.run_arguments(job)[:3] == ["docker", "create", "--no-healthcheck"]
    assert dict(job.environment) == {"SERVICE_IGNORE": "true"}
    assert "timeout 90 docker wait backup-job" in docker_commands.replace(job)


def test_a_job_without_a_drain_is_not_waited_for_for_ever(facts: HostFacts, secret: Secrets) -> None:
    job = made(fleet_with(release={"drain_timeout": 0}), facts, secret)["backup-job"]
    assert "docker wait" not in docker_commands.replace(job)


def test_how_long_an_update_waits_is_no_new_container(facts: HostFacts, secret: Secrets) -> None:
    own = [made(fleet_with(release={"drain_timeout": one}), facts, secret)["backup-job"] for one in (5, 90)]
    assert own[0].spec == own[1].spec


def test_a_secret_environment_goes_through_the_input_of_docker_create(facts: HostFacts, secret: Secrets) -> None:
    job = made(fleet_with(secrets=["key"], secrets_as_environment=True), facts, secret)["backup-job"]
    assert 'docker create --env-file="$env" --no-healthcheck' in docker_commands.run(job)
    assert docker_commands.run_input(job)


def test_the_scheduler_reads_the_settings_that_a_deploy_writes(facts: HostFacts, secret: Secrets) -> None:
    found = resources(fleet_with(timezone="Europe/Berlin"), "app1", facts, secret)["jobs"]
    [file] = [one for one in found if isinstance(one, File) and one.path.endswith("scheduler.json")]
    hosts = ("consul1", "consul2", "consul3", "app1", "app2", "front1")
    read = settings.read(file.text)
    assert read.jobs == (Job("backup", "17 3 * * *", "Europe/Berlin", 3600, 10, hosts),)
    assert read.node == "app1"
    with pytest.raises(ValueError, match="deploy with the version of this image"):
        settings.read(json.dumps({"node": "app1"}))


def test_a_scheduler_has_no_right_but_its_socket_and_the_keys_of_its_jobs(facts: HostFacts, secret: Secrets) -> None:
    scheduler = made(fleet_with(), facts, secret)["scheduler"]
    assert (scheduler.read_only, scheduler.add_capabilities) == (True, ())
    assert all("docker.sock" not in mount.source for mount in scheduler.mounts)
    policies = {one.name: one.rules for one in access.desired(fleet_with(), secret).policies}
    assert 'key_prefix "rollcall/jobs/backup/" { policy = "write" }' in policies["rollcall-scheduler-app1"]
    assert not [name for name in policies if name.endswith("scheduler-app1") and "operator" in policies[name]]


def test_hosts_without_jobs_have_none_of_it(facts: HostFacts, secret: Secrets) -> None:
    found = resources(checked(), "app1", facts, secret)
    assert found["jobs"] == ()
    paths = [one.path for one in found["socket filter"] if isinstance(one, File)]
    assert "/etc/rollcall/socket-filter/jobs.conf" not in paths
    assert "rollcall-scheduler-app1" not in {one.name for one in access.desired(checked(), secret).policies}


def test_a_release_leaves_jobs_alone() -> None:
    services = fleet_with().member("app1").settings.services
    assert not host_work(services, (), (), HostState())
