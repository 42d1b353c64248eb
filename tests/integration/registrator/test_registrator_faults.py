"""What goes away comes back, and nothing that belongs to somebody else is touched."""

import http.client
import json
import re
from pathlib import Path

import pytest
from free_ports import free_ports
from registrator_world import HOSTNAME, Agent, Line, Run, Start, run_once, running
from waiting import always, until

from rollcall.registrator.__main__ import VERSION


def test_an_agent_that_is_wiped_gets_its_services_back_within_seconds(
    start: Start, run: Run, own_agent: Agent, name: str
) -> None:
    start("-internal", uri=own_agent.uri)
    run()
    until(lambda: own_agent.catalog(name), name)
    own_agent.wipe()
    own_agent.start()
    until(lambda: own_agent.catalog(name), f"{name} in the new catalog", 5)


def test_a_deregistered_service_is_registered_again(start: Start, run: Run, agent: Agent, name: str) -> None:
    start("-internal")
    run()
    (service_id,) = until(lambda: agent.catalog(name), name)
    agent.api.agent.service.deregister(service_id)
    until(lambda: not agent.catalog(name), "gone for a moment")
    until(lambda: agent.catalog(name), f"{name} again", 5)


def test_changes_while_the_agent_is_gone_are_caught_up(start: Start, run: Run, own_agent: Agent, name: str) -> None:
    registrator = start("-internal", uri=own_agent.uri)
    old = run("-old")
    until(lambda: own_agent.catalog(name), name)
    own_agent.kill()
    registrator.says("does not respond")
    old.kill()
    run("-new")
    own_agent.start()
    until(lambda: set(own_agent.catalog(name)) == {f"{HOSTNAME}:{name}-new:80"}, "the new one only")


def test_the_agent_may_start_last(start: Start, run: Run, consul_binary: Path, tmp_path: Path, name: str) -> None:
    late = Agent(consul_binary, tmp_path / "late")
    run()
    registrator = start("-internal", uri=late.uri, wait=False)
    registrator.says("does not respond")
    with running(late):
        until(lambda: late.catalog(name), name)


def test_docker_may_start_last(start: Start, run: Run, agent: Agent, name: str, line: Line) -> None:
    run()
    line.cut()
    registrator = start("-internal", docker_host=line.uri, wait=False)
    registrator.says("Docker does not respond")
    line.mend()
    until(lambda: agent.catalog(name), name)


def test_changes_while_docker_is_gone_are_caught_up(
    start: Start, run: Run, agent: Agent, name: str, line: Line
) -> None:
    registrator = start("-internal", docker_host=line.uri)
    old, stays = run("-old"), run("-stays")
    until(lambda: len(agent.catalog(name)) == 2, "two instances")
    line.cut()
    registrator.says("Docker does not respond")
    old.kill()
    run("-new")
    assert stays.name
    line.mend()
    wanted = {f"{HOSTNAME}:{name}-{suffix}:80" for suffix in ("stays", "new")}
    until(lambda: set(agent.catalog(name)) == wanted, f"{wanted}")


def test_a_stream_cut_within_an_event_loses_nothing(
    start: Start, run: Run, agent: Agent, name: str, line: Line
) -> None:
    registrator = start("-internal", docker_host=line.uri)
    line.cut_within_event()
    run()
    until(lambda: agent.catalog(name), name)
    assert registrator.text.count("listening for its events") == 2


def test_a_new_registrator_adopts_what_the_old_one_left(start: Start, run: Run, agent: Agent, name: str) -> None:
    flags = ("-internal", "-cleanup")
    old = start(*flags)
    run("-1")
    run("-2")
    until(lambda: len(agent.catalog(name)) == 2, "two instances")
    assert old.stop() == 0
    assert len(agent.catalog(name)) == 2
    before = agent.raft_indexes(name)
    new = start(*flags)
    always(lambda: agent.raft_indexes(name) == before, f"the same two, not written again: {before}", 3)
    assert f"registered {HOSTNAME}:{name}" not in new.text


def test_services_of_the_original_registrator_are_adopted_not_doubled(
    start: Start, run: Run, agent: Agent, name: str
) -> None:
    run()
    agent.api.agent.service.register(name, service_id=f"{HOSTNAME}:{name}:80", address="10.1.1.1", port=80)
    start("-internal", "-cleanup")
    until(lambda: [one["ServiceAddress"] for one in agent.catalog(name).values()] != ["10.1.1.1"], "the true address")
    assert set(agent.catalog(name)) == {f"{HOSTNAME}:{name}:80"}


def test_a_check_that_a_replaced_container_no_longer_wants_goes(
    start: Start, run: Run, agent: Agent, name: str
) -> None:
    first = start("-internal")
    old = run(environment={"SERVICE_CHECK_TCP": "true"})
    until(lambda: agent.checks(name), "the check")
    first.stop()
    old.remove(force=True)
    run()
    start("-internal")
    until(lambda: not agent.checks(name), "no check")
    assert len(agent.catalog(name)) == 1


def test_cleanup_takes_out_what_died_while_it_was_away(start: Start, run: Run, agent: Agent, name: str) -> None:
    first = start("-internal")
    gone, stays = run("-gone"), run("-stays")
    until(lambda: len(agent.catalog(name)) == 2, "two instances")
    first.kill()
    gone.remove(force=True)
    second = start("-internal")
    always(lambda: len(agent.catalog(name)) == 2, "without -cleanup it stays", 3)
    second.stop()
    start("-internal", "-cleanup")
    until(lambda: set(agent.catalog(name)) == {f"{HOSTNAME}:{stays.name}:80"}, "the living one only")


def test_foreign_services_are_never_changed(start: Start, run: Run, agent: Agent, name: str) -> None:
    agent.api.agent.service.register(f"{name}-tool", service_id="tool", port=1)
    agent.api.agent.service.register(f"{name}-alike", service_id=f"{HOSTNAME}:ghost:80", port=2)
    agent.api.agent.service.register(
        f"{name}-other", service_id="app9:ghost:80", port=3, meta={"registrator-host": "app9"}
    )
    start("-internal", "-cleanup", "-resync", "1")
    run().stop(timeout=1)
    foreign = {"tool", f"{HOSTNAME}:ghost:80", "app9:ghost:80"}
    always(lambda: foreign <= set(agent.services()), "the services of others", 4)


def test_a_resync_without_change_costs_no_raft_write(start: Start, run: Run, own_agent: Agent, name: str) -> None:
    registrator = start("-internal", "-resync", "1", uri=own_agent.uri)
    run("-1")
    run("-2")
    until(lambda: len(own_agent.catalog(name)) == 2, "two instances")
    before = own_agent.raft_indexes(name)
    always(lambda: own_agent.raft_indexes(name) == before, f"the indexes as they were: {before}", 3.5)
    assert registrator.text.count(f" as {name} at ") == 2


@pytest.mark.parametrize("rounds", [2, pytest.param(5, marks=pytest.mark.long)])
def test_a_burst_of_starts_and_stops_ends_in_the_truth(
    start: Start, run: Run, agent: Agent, name: str, rounds: int
) -> None:
    """About a hundred of them, or more than 200, as fast as Docker can."""
    start("-internal")
    containers = [run(f"-{number}") for number in range(20)]
    for _ in range(rounds):
        for container in containers:
            container.kill()
        for container in containers:
            container.start()
    for container in containers[:3]:
        container.kill()
    wanted = {f"{HOSTNAME}:{container.name}:80" for container in containers[3:]}
    until(lambda: set(agent.catalog(name)) == wanted, f"{wanted}")
    always(lambda: set(agent.catalog(name)) == wanted, "the truth", 2.5)


def test_containers_that_end_while_they_are_looked_at(start: Start, run: Run, agent: Agent, name: str) -> None:
    registrator = start("-internal")
    for number in range(20):
        run(f"-{number}", entrypoint=["true"])
    run("-last")
    until(lambda: set(agent.catalog(name)) == {f"{HOSTNAME}:{name}-last:80"}, "only the one that runs")
    assert "Traceback" not in registrator.text


def test_sigterm_stops_it_promptly_and_leaves_services(start: Start, run: Run, agent: Agent, name: str) -> None:
    registrator = start("-internal")
    run()
    until(lambda: agent.catalog(name), name)
    assert registrator.stop() == 0
    assert agent.catalog(name)


def test_deregister_on_exit_takes_its_services_along_and_no_others(
    start: Start, run: Run, agent: Agent, name: str
) -> None:
    registrator = start("-internal", "-deregister-on-exit")
    agent.api.agent.service.register(f"{name}-tool", service_id="tool", port=1)
    run("-1")
    run("-2")
    until(lambda: len(agent.catalog(name)) == 2, "two instances")
    assert registrator.stop() == 0
    assert not agent.catalog(name)
    assert agent.catalog(f"{name}-tool")


def test_limited_attempts_at_start_end_in_one_sentence() -> None:
    (port,) = free_ports(1)
    flags = ["-retry-attempts", "2", "-retry-interval", "50"]
    done = run_once(*flags, f"consul://127.0.0.1:{port}")
    assert done.returncode == 1
    assert re.search(r"registrator: Consul's agent at .* did not respond in 3 attempts", done.stderr)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["-internl", "consul://"], "did you mean -internal"),
        (["etcd://x"], "expected a Consul agent"),
        ([], "address"),
        (["-ip"], "-ip"),
        (["-status", "8510", "consul://"], "expected ADDRESS:PORT"),
        (["-log-format", "xml", "consul://"], "text or json"),
    ],
)
def test_wrong_use_is_one_sentence_and_exit_2(arguments: list[str], says: str) -> None:
    done = run_once(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr
    assert done.stderr.count("\n") == 1


def test_help_and_version() -> None:
    assert "-useIpFromLabel" in run_once("-help").stdout
    assert run_once("--version").stdout == f"{VERSION}\n"


def test_the_registrator_reports_its_state(start: Start, run: Run, own_agent: Agent, name: str) -> None:
    (port,) = free_ports(1)
    registrator = start("-internal", "-status", f"127.0.0.1:{port}", "-log-format", "json", uri=own_agent.uri)
    run()
    until(lambda: own_agent.catalog(name), name)
    code, metrics = ask(port, "/metrics")
    assert code == 200
    # At least its own container; others may run on this machine.
    for counter in ('registrator_writes_total{kind="register"}', "registrator_event_to_consul_seconds_count"):
        (line,) = [line for line in metrics.splitlines() if line.startswith(f"{counter} ")]
        assert float(line.split()[1]) >= 1
    assert ask(port, "/healthz")[0] == 200
    own_agent.kill()
    until(lambda: ask(port, "/healthz")[0] == 503, "not well without Consul")
    assert json.loads(ask(port, "/healthz")[1]) == {"docker": True, "consul": False, "loop": True}
    lines = [json.loads(line) for line in registrator.text.splitlines()]
    assert any("does not respond" in line["message"] and line["level"] == "warning" for line in lines)


def ask(port: int, path: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request("GET", path)
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def test_a_taken_status_address_is_reported_and_registration_continues(
    start: Start, run: Run, agent: Agent, name: str
) -> None:
    registrator = start("-internal", "-status", f"127.0.0.1:{agent.port}")
    registrator.says(f"cannot listen on 127.0.0.1:{agent.port} for -status: Address already in use")
    run()
    until(lambda: agent.catalog(name), "the service in the catalog")


def test_the_log_reports_when_docker_is_gone_and_back(start: Start, agent: Agent, line: Line) -> None:
    (port,) = free_ports(1)
    start("-internal", "-status", f"127.0.0.1:{port}", docker_host=line.uri)
    until(lambda: ask(port, "/healthz")[0] == 200, "all well")
    line.cut()
    until(lambda: ask(port, "/healthz")[0] == 503, "not well without Docker")
    assert json.loads(ask(port, "/healthz")[1]) == {"docker": False, "consul": True, "loop": True}
    line.mend()
    until(lambda: ask(port, "/healthz")[0] == 200, "all well again")
