"""What a fault may cost, what it did cost, and when a fleet is right again."""

import io
from dataclasses import replace

import pytest
from chaos_world import SIX
from rich.console import Console
from status_world import app, host, registered, seen, status, with_front

from rollcall.chaos import measure, table, verdict
from rollcall.chaos.faults import FAULTS
from rollcall.chaos.measure import Allowance, Request
from rollcall.chaos.planned import Planned, Round
from rollcall.chaos.verdict import Seen

PLACES = {place.name: place for place in SIX.places}
BOTH = ("front1", "front2")


def planned(fault: str, place: str, container: str = "") -> Planned:
    return Planned(FAULTS[fault], PLACES[place], container)


def request(began: float, failure: str = "", front: str = "front1", took: float = 0.1) -> Request:
    return Request(front, began, began + took, failure)


def judged(one: Planned | Round, *requests: Request, missing: tuple[str, ...] = ()) -> verdict.Outcome:
    together = one if isinstance(one, Round) else Round((one,))
    allowed = verdict.allowances(together, BOTH, [100.0] * len(together.faults), 160.0)
    return verdict.outcome(together, requests, allowed, (100.0, 130.0, 160.0), missing)


def test_the_names_of_faults_and_hosts_stay_whole_in_80_columns() -> None:
    both = Round((planned("instance", "app1", "webserver-1"), planned("consul-template", "front1")))
    costly = replace(judged(both), requests=12345, failed=1234, longest_gap=123.4)
    console = Console(width=80, file=io.StringIO())
    console.print(table.of_outcomes([costly]))
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert any(line.startswith("✓  instance           app1/webserver-1 ") for line in lines)
    assert any(line.startswith("   + consul-template  front1 ") for line in lines)


@pytest.mark.parametrize(
    "one", [planned("consul", "consul1"), planned("cut", "consul1"), planned("instance", "app1", "web-1")]
)
def test_most_faults_may_cost_nothing(one: Planned) -> None:
    found = judged(one, request(101), request(102, "status 502"))
    assert (found.failed, found.unexpected, found.is_good) == (1, ("1 × status 502",), False)
    assert "requests failed that should not have: 1 × status 502" in table.alarms([found])[0]


@pytest.mark.parametrize("fault", ["cut", "pause"])
def test_a_silent_host_may_cost_requests_until_consul_notices(fault: str) -> None:
    one = planned(fault, "app1")
    assert judged(one, request(101, "no response"), request(129, "no response", "front2")).is_good
    assert not judged(one, request(131, "no response")).is_good


@pytest.mark.parametrize("fault", ["front", "cut", "pause"])
def test_a_front_that_is_down_takes_its_own_requests_only(fault: str) -> None:
    one = planned(fault, "front1")
    assert judged(one, request(101, "no response"), request(159, "no response")).is_good
    assert not judged(one, request(101, "no response", "front2")).is_good
    assert not judged(one, request(161, "no response")).is_good


def test_faults_at_the_same_time_may_cost_what_each_of_them_may() -> None:
    both = Round((planned("pause", "app1"), planned("front", "front1", "front")))
    assert judged(both, request(101, "no response", "front2"), request(159, "no response")).is_good
    assert not judged(both, request(131, "no response", "front2")).is_good


def test_the_table_has_a_line_for_each_fault_of_a_round() -> None:
    both = Round((planned("pause", "app1"), planned("instance", "app2", "web-1")))
    columns = table.of_outcomes([judged(both)]).columns
    assert [list(columns[at].cells) for at in (1, 2)] == [["pause\n+ instance"], ["app1\napp2/web-1"]]


def test_consul_notices_later_while_a_server_is_down_too() -> None:
    both = Round((planned("pause", "app1"), planned("consul-down", "consul1")))
    assert judged(both, request(139, "no response")).is_good
    assert not judged(both, request(141, "no response")).is_good


def test_consul_template_may_cost_nothing() -> None:
    assert not judged(planned("consul-template", "front1"), request(101, "status 500")).is_good


def test_the_longest_gap_is_that_of_the_worst_front_with_its_edges() -> None:
    good = [request(began, front=front) for front in BOTH for began in (101.0, 102.0, 104.0)]
    assert measure.longest_gap(good, 100.0, 105.0) == pytest.approx(2.0)
    worst = [*good, request(104.5, front="front1"), request(104.5, "status 502", front="front2")]
    assert measure.longest_gap(worst, 100.0, 110.0) == pytest.approx(5.9)
    assert measure.longest_gap([request(101, "x")], 100.0, 110.0) == pytest.approx(10.0)


def test_an_allowance_of_nobody_covers_nothing() -> None:
    assert measure.unexpected([request(1, "x"), request(2)], [Allowance()]) == [request(1, "x")]


def test_a_fleet_that_is_well_has_its_instances_in_rotation() -> None:
    found = verdict.seen(with_front())
    assert found == Seen((), frozenset({"app1/app1:web-1:80", "app2/app2:web-2:80"}))
    assert verdict.missing(found, found) == ()


def test_what_is_missing_is_named() -> None:
    before = verdict.seen(with_front())
    now = verdict.seen(with_front(seen("app1", "web-1")))
    assert "not in rotation: app2/app2:web-2:80" in verdict.missing(before, now)
    ill = verdict.seen(status(app("app1", "web-1"), host("app2", unread="no response")))
    assert any("app2: no response" in text for text in verdict.missing(before, ill))


def test_an_instance_that_is_retained_is_not_back() -> None:
    before = verdict.seen(with_front())
    now = verdict.seen(with_front(seen("app1", "web-1"), seen("app2", "web-2", "kept")))
    assert verdict.missing(before, now) == ("not in rotation: app2/app2:web-2:80",)


def test_a_warning_before_is_named() -> None:
    found = status(host("app1", registered=(registered("app1", "web-1"),)))
    assert any("its container does not run" in text for text in verdict.seen(found).wrong)


def test_the_table_names_what_was_allowed_and_what_is_not_right() -> None:
    costly = judged(planned("cut", "app1"), request(101), request(102, "no response"))
    ill = replace(judged(planned("dns", "app1", "dns")), missing=("app1: its DNS does not run",))
    rendered = table.of_outcomes([costly, ill])
    cells = [[str(cell) for cell in column.cells] for column in rendered.columns]
    assert cells[1:3] == [["cut", "dns"], ["app1", "app1"]]
    assert cells[3] == ["1 of 2, allowed", "0 of 0"]
    assert cells[5] == ["30.0 s", "not right"]
    assert table.alarms([costly, ill]) == ["dns on app1: not right again: app1: its DNS does not run"]
