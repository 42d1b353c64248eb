"""A container's HEALTHCHECK, as Consul's checks show it."""

import time
from typing import Any

import docker
from healthchecks import HEALTHCHECK, SECOND, health, says
from registrator_world import HOSTNAME, Agent, Run, Start
from waiting import until


def passing(agent: Agent, name: str) -> list[Any]:
    return list(agent.api.health.service(name, passing=True)[1])


def test_starting_and_unhealthy_are_not_routed_and_healthy_is(start: Start, run: Run, agent: Agent, name: str) -> None:
    start("-internal")
    container = run(healthcheck=HEALTHCHECK | {"start_period": 60 * SECOND}, command=["sleep", "600"], entrypoint=[])
    until(lambda: agent.catalog(name), name)
    assert health(agent, name) == ("critical", "")
    says(container, "yes")
    until(lambda: health(agent, name) == ("passing", "reads yes"), "passing with its output")
    assert len(passing(agent, name)) == 1
    says(container, "broken")
    until(lambda: health(agent, name) == ("critical", "reads broken"), "critical with its output")
    assert passing(agent, name) == []


def test_a_container_with_both_has_two_checks(start: Start, run: Run, agent: Agent, name: str) -> None:
    start("-internal")
    checked = {"SERVICE_CHECK_TCP": "true", "SERVICE_CHECK_INTERVAL": "1s"}
    says(run(healthcheck=HEALTHCHECK, environment=checked), "yes")
    until(lambda: [check["Status"] for check in agent.checks(name)] == ["passing", "passing"], "both passing")
    assert {check["Type"] for check in agent.checks(name)} == {"ttl", "tcp"}


def test_a_health_that_stays_costs_no_raft_write_and_is_adopted(
    start: Start, run: Run, own_agent: Agent, name: str
) -> None:
    first = start("-internal", uri=own_agent.uri)
    says(run(healthcheck=HEALTHCHECK), "yes")
    until(lambda: health(own_agent, name) == ("passing", "reads yes"), "passing")
    first.stop()
    before = own_agent.raft_indexes(name), checks_indexes(own_agent, name)
    start("-internal", "-resync", "1", uri=own_agent.uri)
    deadline = time.monotonic() + 4
    while time.monotonic() < deadline:
        assert (own_agent.raft_indexes(name), checks_indexes(own_agent, name)) == before
        time.sleep(0.1)


def checks_indexes(agent: Agent, name: str) -> dict[str, int]:
    return {check["CheckID"]: check["ModifyIndex"] for check in agent.checks(name)}


def test_an_agent_that_was_killed_or_wiped_has_the_health_again(
    start: Start, run: Run, own_agent: Agent, name: str
) -> None:
    start("-internal", uri=own_agent.uri)
    says(run(healthcheck=HEALTHCHECK), "yes")
    until(lambda: passing(own_agent, name), "passing")
    own_agent.kill()
    own_agent.start()
    until(lambda: passing(own_agent, name), "passing after its restart")
    own_agent.wipe()
    own_agent.start()
    until(lambda: passing(own_agent, name), "passing in the new catalog")
    # Consul itself takes its time (five minutes) to bring a note alone from the agent to the catalog.
    check = f"docker-health:{HOSTNAME}:{name}:80"
    until(lambda: own_agent.api.agent.checks()[check]["Output"] == "reads yes", "the note at the agent")


def test_a_check_whose_time_ran_out_is_set_again(start: Start, run: Run, agent: Agent, name: str) -> None:
    start("-internal")
    says(run(healthcheck=HEALTHCHECK), "yes")
    until(lambda: passing(agent, name), "passing")
    agent.api.agent.check.ttl_fail(f"docker-health:{HOSTNAME}:{name}:80", notes="TTL expired")
    until(lambda: not passing(agent, name), "failing for a moment")
    until(lambda: health(agent, name) == ("passing", "reads yes"), "passing again", 5)


def test_a_new_container_without_healthcheck_loses_the_check(
    start: Start, run: Run, agent: Agent, name: str, client: docker.DockerClient
) -> None:
    first = start("-internal")
    old = run(healthcheck=HEALTHCHECK)
    until(lambda: agent.checks(name), "the check")
    first.stop()
    old.remove(force=True)
    run()
    start("-internal")
    until(lambda: not agent.checks(name), "no check")
    assert len(passing(agent, name)) == 1
