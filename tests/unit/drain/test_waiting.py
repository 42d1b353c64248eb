"""When a target counts as drained, and the description of what remains."""

import json
from collections.abc import Callable, Iterator

import pytest

from rollcall.contract import front_lists
from rollcall.drain import waiting
from rollcall.drain.connections import Connection, Port
from rollcall.drain.remaining import Remaining, words

PORT = Port("a" * 64, 80)
HELD = Remaining(connections=(Connection(PORT, "10.77.0.31"),))
NONE = Remaining()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time passes only in sleep()."""
    now = [0.0]
    monkeypatch.setattr(waiting.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(waiting.time, "sleep", lambda seconds: now.__setitem__(0, now[0] + seconds))


def looks(*left: Remaining) -> tuple[Callable[[], Remaining], Iterator[Remaining]]:
    rest = iter(left)
    return lambda: next(rest), rest


@pytest.mark.usefixtures("clock")
def test_it_is_drained_after_two_checks_without_connections() -> None:
    look, rest = looks(HELD, NONE, HELD, NONE, NONE, HELD)
    assert not waiting.wait(look, 30)
    assert next(rest) is HELD


@pytest.mark.usefixtures("clock")
def test_a_deadline_ends_the_wait_with_what_is_left() -> None:
    look, rest = looks(*[HELD] * 4)
    assert waiting.wait(look, 1) is HELD
    assert len(list(rest)) == 1


@pytest.mark.usefixtures("clock")
def test_without_any_time_it_still_checks_twice() -> None:
    assert waiting.wait(looks(HELD, NONE)[0], 0) is HELD
    assert not waiting.wait(looks(NONE, NONE)[0], 0)


def test_what_remains_is_described_with_counts_and_peers() -> None:
    left = Remaining(
        ("front1",), (*HELD.connections * 2, Connection(PORT, "10.0.0.9")), ("app1 cannot be read: it is gone",)
    )
    assert words(left, {PORT: "app1:web-1:80"}, {"10.77.0.31": "front1"}) == (
        "front1 still sends requests to it; "
        "3 connections are left: 1 of 10.0.0.9 to app1:web-1:80, 2 of front1 to app1:web-1:80; "
        "app1 cannot be read: it is gone"
    )
    assert words(HELD, {PORT: "web"}, {}) == "1 connection is left: 1 of 10.77.0.31 to web"


def status(**fields: object) -> str:
    instance = {"id": "web", "node": "app1", "listed_since": "2026-11-26T03:00:00Z", **fields}
    return json.dumps({"services": [{"name": "web-80", "instances": [instance]}]})


def test_a_front_sends_requests_to_what_is_in_its_list() -> None:
    assert front_lists.listed(status(), "app1", ["web"]) == {"web"}
    assert front_lists.listed(status(listed_since=None), "app1", ["web"]) == frozenset()
    assert front_lists.listed(status(node="app2"), "app1", ["web"]) == frozenset()
    assert front_lists.listed(status(), "app1", ["other"]) == frozenset()


@pytest.mark.parametrize("output", ["", "starting", "{}", "[]", '{"services": null}'])
def test_output_that_is_not_a_status_document_is_an_error(output: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        front_lists.listed(output, "app1", ["web"])
