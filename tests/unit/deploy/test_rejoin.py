"""A server at another address and the others come together, whichever of them may ask for it."""

from typing import Any
from unittest.mock import MagicMock

import pytest

from rollcall.consul.curl import Response
from rollcall.deploy import agent_requests
from rollcall.deploy.rejoin import Rejoin

OTHERS = ("10.0.0.1", "10.0.0.3")


def rejoins(
    monkeypatch: pytest.MonkeyPatch, *accepting: str, others: tuple[str, ...] = OTHERS
) -> list[tuple[str, str]]:
    """Let c2 come together with c1 and c3, of which some accept requests; return the requests, the last of an error."""
    asked: list[tuple[str, str]] = []

    def responses(host: Any, requests: Any, token: str) -> list[Response]:
        assert token == "open sesame"
        asked.extend((host.name, request.path.removeprefix("/v1/agent/join/")) for request in requests)
        return [Response(200 if host.name in accepting else 403, "") for _ in requests]

    monkeypatch.setattr(agent_requests, "responses", responses)
    hosts = [MagicMock(print_prefix="") for _ in range(3)]
    for number, host in enumerate(hosts, 1):
        host.name = f"c{number}"
    state = MagicMock(active_hosts=hosts)
    done = Rejoin("10.0.0.9", others, 0, "open sesame")(state, hosts[1])
    return asked if done else [*asked, ("", "")]


def test_another_agent_joins_it_where_there_are_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    assert rejoins(monkeypatch, "c3") == [("c1", "10.0.0.9"), ("c3", "10.0.0.9")]


def test_the_only_server_joins_the_others_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = rejoins(monkeypatch, "c2")
    assert asked[-2:] == [("c2", address) for address in OTHERS]


def test_without_others_there_is_nobody_to_join(monkeypatch: pytest.MonkeyPatch) -> None:
    assert rejoins(monkeypatch, others=()) == []


def test_nobody_to_be_reached_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    assert rejoins(monkeypatch)[-1] == ("", "")
