"""The templates' status for users, and the container's health."""

from datetime import UTC, datetime, timedelta

from rollcall.template_sync.status import Problem, Sight, document, health, problem

NOW = datetime(2026, 11, 26, 3, 0, tzinfo=UTC)
SERVED = Sight("haproxy", "/etc/haproxy/haproxy.cfg", "lb", running=True, served=NOW, addresses=3, changes=2)
REFUSED = Sight("dns", "/srv/dns/zone", "", running=True, problem=Problem("its check fails", NOW))


def test_every_template_is_shown_with_its_state() -> None:
    found = document("front1", [SERVED, REFUSED], NOW)
    assert (found["node"], found["time"]) == ("front1", "2026-11-26T03:00:00Z")
    served, refused = found["templates"]
    assert (served["state"], served["addresses"], served["changes"], served["problem"]) == ("served", 3, 2, None)
    assert refused["state"] == "refused"
    assert refused["problem"] == {"text": "its check fails", "since": "2026-11-26T03:00:00Z"}
    assert refused["container"] is None


def test_a_rejection_is_shown_but_healthy() -> None:
    assert health(document("front1", [SERVED, REFUSED], NOW)) == (True, "haproxy: served; dns: its check fails")


def test_without_consul_template_it_is_ill() -> None:
    well, words = health(document("front1", [Sight("a", "/b/c", "")], NOW))
    assert not well
    assert words == "a: waiting"


def test_the_same_problem_keeps_its_age() -> None:
    first = problem(None, "a", NOW)
    later = NOW + timedelta(seconds=5)
    assert problem(first, "a", later) == first
    assert problem(first, "b", later) == Problem("b", later)
    assert problem(first, "", later) is None
