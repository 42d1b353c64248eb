"""Problems, their severity and next step: pure functions, and a list of every kind."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from rollcall.cli.main import COMMANDS
from rollcall.contract import problems
from rollcall.contract.problems import INVENTORY, KINDS, Problem, Site

NOW = datetime(2026, 11, 28, tzinfo=UTC)
ROOT = Path(__file__).parents[3]


def site(servers: int = 0, states: dict[str, list[str]] | None = None, source: str = "default") -> Site:
    return Site("", "/", servers, {"shop-80": []} if states is None else states, source)


def test_every_kind_has_a_next_step_and_the_worst_stand_first() -> None:
    severities = [kind.severity for kind in KINDS.values()]
    assert severities == sorted(severities, key=("outage", "warning", "notice").index)
    assert all(kind.next for kind in KINDS.values())


def test_every_command_that_a_step_names_exists_and_takes_the_inventory() -> None:
    steps = [kind.next for kind in KINDS.values()]
    steps += [one.next for one in EXAMPLES]
    named = [match for step in steps for match in re.findall(r"rollcall (\w+)( INVENTORY)?", step)]
    assert named
    assert all(command in COMMANDS and inventory for command, inventory in named), named


def test_every_kind_that_the_programs_name_is_in_the_list() -> None:
    """A kind of a front's that is missing from the list would come last, without its own step."""
    sources = [
        path.read_text() for folder in ("front", "status") for path in (ROOT / "rollcall" / folder).rglob("*.py")
    ]
    named = {
        kind for text in sources for kind in re.findall(r'(?:Problem|\.are|Complaint|NotServedError)\(\s*"(\w+)"', text)
    }
    assert {"refused", "hindered", "catalog", "mismatch", "unread", "canary"} <= named | {"refused"}
    assert named <= set(KINDS)


@pytest.mark.parametrize(
    ("states", "text", "step"),
    [
        ({"shop-80": []}, "shop-80 has no instance", "start a container of shop-80, or take it out of front.services"),
        ({"shop-80": ["critical", "critical"]}, "shop-80: 2 critical", "docker logs CONTAINER"),
        ({"shop-80": ["maintenance"]}, "shop-80: 1 maintenance", f"rollcall undrain {INVENTORY} HOST"),
        ({"shop-80": ["passing"]}, "shop-80: 1 passing", "rollcall canary"),
        ({"a-80": [], "b-80": ["critical"]}, "a-80 has no instance; b-80: 1 critical", "a-80 or b-80"),
    ],
)
def test_a_site_without_servers_has_a_reason_and_a_next_step(
    states: dict[str, list[str]], text: str, step: str
) -> None:
    (found,) = problems.unserved([site(states=states)])
    assert found.text == f"the default site: every request gets a 502; {text}"
    assert found.severity == "outage"
    assert step in found.step


def test_a_site_with_a_server_is_fine_and_keeps_its_identity_while_its_services_change() -> None:
    assert problems.unserved([site(servers=1)]) == []
    (one,), (other,) = (problems.unserved([site(states={"shop-80": states})]) for states in ([], ["critical"]))
    assert one.key == other.key


@pytest.mark.parametrize(
    ("well", "missing", "kind", "text"),
    [
        ({"a", "b"}, {"c"}, "short", "one more, and nothing new can be registered"),
        ({"a"}, {"b", "c"}, "leaderless", "there is no quorum"),
        ({"a", "b", "c", "d"}, {"e"}, "short", "1 more may fail"),
        (set(), {"a"}, "leaderless", "there is no quorum"),
    ],
)
def test_missing_servers_are_reported_with_how_many_more_may_fail(
    well: set[str], missing: set[str], kind: str, text: str
) -> None:
    (found,) = problems.short_of_servers(well, missing)
    assert (found.kind, text in found.text) == (kind, True)
    assert all(name in found.text and name in found.step for name in missing)


def test_with_all_servers_there_is_no_problem() -> None:
    assert problems.short_of_servers({"a", "b", "c"}, ()) == []


@pytest.mark.parametrize(
    ("days", "kind", "text"),
    [(31, None, ""), (29, "expiring", "ends in 29 days, on 2026-12-27"), (-1, "expired", "ended on 2026-11-27")],
)
def test_a_certificate_is_a_problem_before_it_ends(days: int, kind: str | None, text: str) -> None:
    found = problems.certificate("the front's certificate", NOW + timedelta(days=days), "", NOW)
    assert [(one.kind, text in one.text, one.step) for one in found] == (
        [(kind, True, "rollcall deploy INVENTORY")] if kind else []
    )


def test_a_users_own_certificate_is_reported_with_its_file() -> None:
    (found,) = problems.certificate("the front's certificate", NOW, "certificates/site.crt", NOW)
    assert "from certificates/site.crt" in found.text
    assert (
        found.step
        == "put a new certificate into certificates/site.crt (front.certificate), then rollcall deploy INVENTORY"
    )


def test_a_clock_that_differs_from_most_is_reported_even_if_it_is_this_machines() -> None:
    (found,) = problems.clocks({"this machine": 0.0, "app1": 0.1, "app2": -40.0})
    assert found.text == "the clock of app2 is 40 s behind"
    (found,) = problems.clocks({"this machine": 0.0, "app1": 90.0, "app2": 90.2})
    assert found.text == "the clock of this machine is 90 s behind"
    assert problems.clocks({"this machine": 0.0, "app1": 4.0}) == problems.clocks({}) == []


def test_the_worst_come_first_and_of_one_kind_what_lasts_longest() -> None:
    old, new = NOW - timedelta(hours=1), NOW
    given = [
        Problem("metadata", "m"),
        Problem("lost", "b", new),
        Problem("lost", "a", old),
        Problem("unserved", "u", new),
    ]
    assert [one.text for one in problems.ordered(given)] == ["u", "a", "b", "m"]


def test_a_kind_of_a_newer_front_is_last_and_has_a_step() -> None:
    unknown = Problem("brand-new", "?")
    assert problems.ordered([unknown, Problem("kept", "k")])[-1] == unknown
    assert (unknown.severity, unknown.step) == ("notice", "rollcall verify INVENTORY")


EXAMPLES = (
    *(
        one
        for states in ([], ["critical"], ["maintenance"], ["passing"])
        for one in problems.unserved([site(states={"s": states})])
    ),
    *problems.lost({"app1": 1}),
    *problems.short_of_servers({"a", "b"}, {"c"}),
    *problems.certificate("x", NOW, "", NOW),
    *problems.certificate("x", NOW, "own.crt", NOW),
    *problems.clocks({"a": 0.0, "b": 0.0, "c": 60.0}),
)
