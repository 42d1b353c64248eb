"""A host's services count as back when those that passed before its agent restarted pass again."""

import json
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import pytest

from rollcall import sections
from rollcall.consul.service_checks import longest_interval
from rollcall.deploy import callbacks
from rollcall.deploy.services_return import ServicesReturn

TOKEN = "a-token"


def response(**states: str) -> str:
    return json.dumps(
        {
            f"service:{name}": {"ServiceID": name, "Status": status, "Interval": "1m30s"}
            for name, status in states.items()
        }
        | {"serfHealth": {"ServiceID": "", "Status": "passing"}}
    )


@pytest.fixture
def responses(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the agent responds from now on, one at a time."""
    coming: list[str] = []

    def run(_host: Any, command: str, stdin: str) -> tuple[bool, Any]:
        assert TOKEN in stdin
        assert TOKEN not in command
        body = coming.pop(0)
        return True, SimpleNamespace(stdout=f"{body}\n{sections.MARKER} {200 if body else 0}\n")

    monkeypatch.setattr(callbacks, "run", run)
    return coming


def test_what_failed_before_need_not_pass(responses: list[str]) -> None:
    services = ServicesReturn(10, TOKEN)
    responses += [response(shop="passing", old="critical"), response(shop="critical", old="critical")]
    responses += ["curl: (7) Failed to connect", response(shop="passing", old="critical")]
    assert services.missing(MagicMock()) == []
    assert services.missing(MagicMock()) == ["shop passed before Consul's agent restarted"]
    assert services.missing(MagicMock()) == ["Consul's agent does not respond"]
    assert services.missing(MagicMock()) == []


def test_a_service_that_has_gone_is_missing(responses: list[str]) -> None:
    services = ServicesReturn(10, TOKEN)
    responses += [response(shop="passing"), response()]
    services.missing(MagicMock())
    assert services.missing(MagicMock()) == ["shop passed before Consul's agent restarted"]


def test_an_agent_that_did_not_respond_before_must_respond(responses: list[str]) -> None:
    services = ServicesReturn(10, TOKEN)
    responses += ["", "", response(shop="critical")]
    services.missing(MagicMock())
    assert services.missing(MagicMock()) == ["Consul's agent does not respond"]
    assert services.missing(MagicMock()) == []


def test_a_slow_check_has_its_whole_interval(responses: list[str]) -> None:
    services = ServicesReturn(10, TOKEN)
    responses.append(response(shop="passing"))
    services.missing(MagicMock())
    assert services.deadline == 100


@pytest.mark.parametrize(
    ("interval", "seconds"), [("", 0), ("5s", 5), ("1m0s", 60), ("1h0m0.5s", 3600.5), ("250ms", 0.25)]
)
def test_intervals_as_go_writes_them(interval: str, seconds: float) -> None:
    assert longest_interval({"a": {"Interval": interval}, "b": {}}) == seconds
