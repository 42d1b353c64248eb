"""What `rollcall status` calls wrong beside what the fronts and the registrators say."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from six_hosts import checked
from status_world import FLEET, NOW, ON_EVERY_HOST, all_well, app, front, host, seen, status

from rollcall.consul.members import Agent
from rollcall.contract.backups import Record
from rollcall.contract.jobs import Result, State
from rollcall.contract.status_document import Document
from rollcall.secrets import certificates
from rollcall.status import troubles
from rollcall.status.fleet_status import FleetStatus, joined
from rollcall.status.host import Host, clock_offset
from rollcall.status.host_status import HostReading, Server

SERVERS = ("consul1", "consul2", "consul3")
SINCE = datetime(2026, 11, 26, 2, 0, tzinfo=UTC)


def told(*hosts: Host) -> list[tuple[str, str]]:
    return [(one.where, one.kind) for one in status(*hosts).problems]


def server(name: str, *healthy: str, leader: bool | None = True) -> Host:
    judged = tuple(Server(one, one in healthy, SINCE) for one in SERVERS) if healthy else None
    return host(name, registered=(), servers=judged, leader=leader)


def test_with_all_servers_there_is_no_problem() -> None:
    assert told(*(server(name, *SERVERS) for name in SERVERS)) == []


def test_a_missing_server_is_named_with_its_start() -> None:
    found = status(server("consul1", "consul1", "consul2"), server("consul2", "consul1", "consul2"))
    (one,) = found.problems
    assert (one.where, one.kind, one.problem.since) == ("Consul", "short", SINCE)
    assert "consul3" in one.text


def test_a_healthy_server_without_a_vote_is_named_since_the_quorum_does_not_count_it() -> None:
    def sees(*judged: Server) -> tuple[str, str, str]:
        (one,) = status(host("consul1", registered=(), servers=judged, leader=True)).problems
        return one.where, one.kind, one.text

    first, second = Server("consul1", True), Server("consul2", True)
    new = Server("consul3", True, SINCE, voter=False)
    text = "consul3 is a server without a vote: the others keep the quorum alone"
    assert sees(first, second, new) == ("Consul", "short", text)
    where, kind, text = sees(first, Server("consul2", False), new)
    assert (where, kind) == ("Consul", "leaderless")
    assert text.startswith("2 of 3 Consul servers are missing (consul2, consul3)")


def test_without_a_leader_responding_agents_show_the_missing_servers() -> None:
    two_gone = (server("consul1", leader=False), host("consul2", unread="ssh failed"))
    (one,) = status(*two_gone).problems
    assert (one.where, one.kind) == ("Consul", "leaderless")
    assert "2 of 3 Consul servers are missing (consul2, consul3)" in one.text
    (one,) = status(*(server(name, leader=False) for name in SERVERS)).problems
    assert (one.kind, one.text) == ("leaderless", "no agent knows a leader: nothing new can be registered")


def test_an_agent_that_alone_knows_no_leader_is_cut_off() -> None:
    cut = replace(app("app1", "web-1"), reading=replace(app("app1", "web-1").reading, leader=False))
    assert told(cut, server("consul1", *SERVERS)) == [("app1", "lost")]


def test_each_of_rollcalls_containers_that_does_not_run_is_a_problem() -> None:
    whole = host("front1", registered=(), front=front(seen("app1", "web-1"), seen("app2", "web-2")))
    assert told(*all_well()[:2], whole) == []
    for name, kind in (("front", "unserved"), *((name, "down") for name in ON_EVERY_HOST)):
        running = tuple(one for one in whole.reading.containers if one["Name"] != f"/{name}")
        assert told(replace(whole, reading=replace(whole.reading, containers=running))) == [("front1", kind)]


def test_a_problem_of_two_fronts_is_named_once_since_the_earliest_time() -> None:
    def says(since: str) -> Document:
        return front(problems=[{"kind": "unserved", "text": "x", "since": since, "next": "n", "subject": "s"}])

    both = (
        host("front1", registered=(), front=says(NOW)),
        host("consul1", registered=(), front=says("2026-11-26T02:00:00Z")),
    )
    (one,) = status(*both).problems
    assert (one.where, one.problem.since, one.problem.step) == ("front1, consul1", SINCE, "n")


def test_autopilot_overrides_a_fronts_view_of_the_servers() -> None:
    said = {"kind": "short", "text": "1 of 2", "since": NOW, "next": "n", "subject": "servers"}
    sees = host("front1", registered=(), front=front(problems=[said]))
    assert [one.text for one in status(sees).problems] == ["1 of 2"]
    (one,) = status(sees, server("consul1", "consul1", "consul2")).problems
    assert "1 of 3" in one.text


@pytest.mark.parametrize(("days", "kinds"), [(60, []), (3, ["expiring"])])
def test_an_agents_certificate_is_a_problem_before_it_ends(days: int, kinds: list[str], monkeypatch: Any) -> None:
    monkeypatch.setattr(certificates, "DAYS", days)
    authority = certificates.authority("x")
    made = certificates.issue(authority, "app1", ["app1"], "agent")
    whole = app("app1", "web-1")
    shown = replace(whole, reading=replace(whole.reading, certificate=made.certificate))
    found = joined(FLEET, [shown], datetime.now(UTC)).problems
    assert [(one.where, one.kind) for one in found] == [("app1", kind) for kind in kinds]


def test_a_clock_that_is_off_is_named() -> None:
    off = replace(app("app2", "web-2"), clock_offset=-300.0)
    on = replace(app("app1", "web-1"), clock_offset=0.0)
    (one,) = status(on, off).problems
    assert (one.where, one.text) == ("app2", "the clock of app2 is 300 s behind")


@pytest.mark.parametrize(("clock", "offset"), [(None, None), (105.0, 0.0), (99.0, -1.0), (112.0, 2.0)])
def test_reading_a_clock_takes_time_and_is_only_as_exact(clock: float | None, offset: float | None) -> None:
    assert clock_offset(clock, 100.0, 110.0) == offset


def test_the_commands_to_run_name_the_inventory() -> None:
    found = joined(FLEET, [server("consul1", "consul1", "consul2")], datetime.fromisoformat(NOW), "shop.py")
    assert found.problems[0].problem.step.endswith("rollcall deploy shop.py")


def test_an_overdue_backup_is_a_problem_once_and_the_newest_counts() -> None:
    fleet, now = checked(consul_server={"backups": {"every": "1h"}}), datetime.fromisoformat(NOW)
    three = [Record(int(now.timestamp()) - 3600 * age, f"consul{age}", "/srv/x", 1, 1) for age in (1, 3)]

    def seen_by(*records: Record | None) -> FleetStatus:
        servers = [
            replace(one, reading=replace(one.reading, backup=record))
            for one, record in zip([server(name, *SERVERS) for name in SERVERS], records, strict=False)
        ]
        shown = {"kind": "backup", "text": "old", "since": NOW, "subject": "backup"}
        return joined(fleet, [*servers, host("front1", front=front(problems=[shown]), registered=())], now)

    both = seen_by(three[1], three[0])
    assert ([one.kind for one in both.problems], both.backup) == ([], three[0])
    (late,) = seen_by(three[1], None).problems
    assert (late.where, late.kind) == ("Consul", "backup")
    assert late.text.startswith("the newest backup of Consul is 3 h old, /srv/x on consul3")
    assert [one.text for one in seen_by(None, None).problems] == [
        "no backup of Consul has been made; one is due every 1 h"
    ]
    unknown = joined(fleet, [host("consul1", unread="ssh failed")], now)
    assert [one.kind for one in unknown.problems] == []


def test_a_job_that_failed_and_a_scheduler_that_does_not_run_are_problems() -> None:
    fleet = checked(services=[{"name": "backup", "image": "example/backup:2", "schedule": "17 3 * * *"}])
    failed = Result("app2", "2026-11-26T03:17:00Z", "2026-11-26T03:17:00Z", "2026-11-26T03:18:00Z", "done", 3)
    state = State("2026-11-26T03:17:00Z", "17 3 * * * UTC", last=failed)
    hosts = [Host(fleet.member(name), HostReading(jobs={"backup": state})) for name in ("app1", "app2")]
    found = troubles.found(fleet, hosts, {}, datetime(2026, 11, 26, 12, tzinfo=UTC))
    [job] = [one for one in found if one.kind == "job"]
    assert job.text == "job backup: its last run failed: exit status 3 on app2, 2026-11-26T03:18:00Z"
    assert job.problem.step == "rollcall logs INVENTORY backup"
    assert "its scheduler does not run; no job starts on this host" in [one.text for one in found]


def test_an_agent_that_lost_its_data_and_its_name_is_named_with_what_to_do() -> None:
    one = server("consul1", *SERVERS)
    agents = tuple(Agent(name, "10.77.0.21", True, f"id-{name}") for name in ("app1", "app2", "consul1"))
    catalog = {"app1": "id-app1", "app2": "id-before"}
    hosts = [replace(one, reading=replace(one.reading, agents=agents, nodes=catalog))] * 2
    (found,) = joined(FLEET, hosts, datetime.fromisoformat(NOW), "shop.py").problems
    assert (found.where, found.kind) == ("app2", "lost")
    assert "nothing on it is registered" in found.text
    assert found.problem.step == (
        "docker stop consul on app2; then rollcall forget shop.py app2, and rollcall deploy shop.py"
    )


def judged(**states: str) -> tuple[Host, ...]:
    """Give a fleet whose servers each list app1 in a state of its own; the front finds it lost."""
    said = {"kind": "lost", "text": "Consul no longer hears app1", "since": NOW, "next": "n", "subject": "app1"}
    sees = host("front1", registered=(), front=front(problems=[said] if "failed" in states.values() else []))
    listed = tuple(Agent(name, "10.77.0.9", True) for name in SERVERS)
    hosts = []
    for name in SERVERS:
        state = states.get(name, "alive")
        agents = (*listed, Agent("app1", "10.77.0.21", state == "alive", leaving=state == "leaving"))
        one = server(name, *SERVERS)
        hosts.append(replace(one, reading=replace(one.reading, agents=agents)))
    client = app("app1", "web-1")
    return (*hosts, replace(client, reading=replace(client.reading, leader=True)), sees)


@pytest.mark.parametrize(
    ("states", "listed", "step"),
    [
        ({"consul2": "leaving", "consul3": "leaving"}, "leaving by consul2, consul3", "docker restart consul on app1"),
        ({"consul1": "failed"}, "failed by consul1", "docker logs --tail 20 consul on app1"),
    ],
)
def test_an_agent_that_responds_and_is_not_alive_for_others_is_named_once(
    states: dict[str, str], listed: str, step: str
) -> None:
    (found,) = [one for one in status(*judged(**states)).problems if one.kind == "lost"]
    assert (found.where, found.text) == ("app1", f"its agent responds, but is listed as {listed}")
    assert (found.problem.step, found.problem.severity) == (step, "warning")


def test_of_an_agent_that_knows_no_leader_only_that_is_said() -> None:
    *others, client, sees = judged(consul2="leaving")
    cut = replace(client, reading=replace(client.reading, leader=False))
    (found,) = [one for one in status(*others, cut, sees).problems if one.kind == "lost"]
    assert found.text == "its agent knows no leader while others do"


def test_a_server_that_is_cut_off_judges_nobody() -> None:
    first, second, *others = judged(consul2="failed")
    cut = replace(second, reading=replace(second.reading, leader=False))
    found = [one for one in status(first, cut, *others).problems if "listed" in one.text]
    assert found == []
