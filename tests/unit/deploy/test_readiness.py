"""The reasons why a cluster is not ready."""

import json
from typing import Any
from unittest.mock import MagicMock

import pytest
from typing_extensions import override

from rollcall.deploy.readiness import Readiness, not_ready, unsteady

SERVERS = ("consul1", "consul2", "consul3")


def health(**changes: dict[str, Any]) -> str:
    servers = [
        {"Name": name, "Healthy": True, "Voter": True, "Leader": name == "consul1", "SerfStatus": "alive"}
        | changes.get(name, {})
        for name in SERVERS
    ]
    return json.dumps({"Healthy": True, "Servers": [one for one in servers if not one.get("gone")]})


def test_three_healthy_voters_are_ready() -> None:
    assert not_ready(health(), SERVERS) == []


def test_what_is_missing_is_named() -> None:
    assert not_ready(health(consul2={"gone": True}), SERVERS) == ["consul2 has not joined"]
    assert not_ready(health(consul3={"Voter": False}), SERVERS) == ["consul3 is not a voter yet"]
    failed = {"Healthy": False, "SerfStatus": "failed"}
    assert not_ready(health(consul2=failed), SERVERS) == ["consul2 is not healthy (serf: failed)"]
    assert not_ready(health(consul1={"Leader": False}), SERVERS) == ["no leader"]


def test_responses_that_are_not_autopilots_health() -> None:
    assert not_ready("", SERVERS) == ["no leader (the agent does not respond)"]
    assert not_ready("No cluster leader", SERVERS) == ["no leader (No cluster leader)"]
    assert not_ready('{"Servers": null}', ()) == ["no leader"]


class Flapping(Readiness):
    """A readiness that holds at some checks and not at others."""

    steady = 0.5

    def __init__(self, looks: list[bool], deadline: float = 10) -> None:
        super().__init__(deadline)
        self.looks = looks

    @override
    def missing(self, host: Any) -> list[str]:
        return [] if (self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]) else ["something"]


def test_readiness_must_hold() -> None:
    readiness = Flapping([True, False, True])
    assert readiness(MagicMock(), MagicMock())
    assert readiness.looks == [True], "it was not taken for open at the first look"


def test_a_gate_that_stays_shut_is_a_failure_and_no_exception() -> None:
    assert not Flapping([False], deadline=0.5)(MagicMock(), MagicMock())


@pytest.mark.parametrize(
    ("running", "age", "restarts", "health", "is_unsteady"),
    [
        ("true", 3, 0, "none", False),
        ("true", 1, 0, "none", True),
        ("true", 3, 1, "none", True),
        ("false", 3, 0, "none", True),
        ("true", 1, 0, "healthy", False),
        ("true", 3, 0, "starting", False),
        ("true", 1, 0, "starting", True),
        ("true", 300, 0, "unhealthy", True),
    ],
)
def test_a_container_must_be_known_to_stay_up(
    running: str, age: int, restarts: int, health: str, is_unsteady: bool
) -> None:
    """It started at second 0."""
    assert unsteady(f"/web-1 {running} 1970-01-01T00:00:00.123456789Z {restarts} {health}", age) is is_unsteady
