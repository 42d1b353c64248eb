"""A server at another address and the others come together, whichever of them may ask for it."""

from typing import Any
from unittest.mock import MagicMock

import pytest

from rollcall.consul import leader
from rollcall.consul.curl import Response
from rollcall.deploy.consul import agent_requests, rejoin
from rollcall.deploy.consul.rejoin import Rejoin

OTHERS = ("10.0.0.1", "10.0.0.3")


def rejoins(
    monkeypatch: pytest.MonkeyPatch,
    *accepting: str,
    others: tuple[str, ...] = OTHERS,
    c3: tuple[Response, ...] = (Response(200, '"10.0.0.9:8300"'),),
    c2: tuple[Response, ...] = (Response(200, '"10.0.0.9:8300"'),),
    moving: frozenset[str] = frozenset(),
) -> list[tuple[str, str]]:
    """Let c2 come together with c1 and c3, of which some accept requests; return the requests, the last of an error.

    c2 and c3 respond one after the other when they are asked who leads, and c1 does not respond.
    """
    asked: list[tuple[str, str]] = []
    leaders = {"c1": [Response(0, "")], "c2": list(c2), "c3": list(c3)}

    def responses(host: Any, requests: Any, token: str) -> list[Response]:
        if requests[0].path == leader.PATH:
            found = leaders[host.name]
            return [found.pop(0) if len(found) > 1 else found[0]]
        assert token == "open sesame"
        asked.extend((host.name, request.path.removeprefix("/v1/agent/join/")) for request in requests)
        return [Response(200 if host.name in accepting else 403, "") for _ in requests]

    monkeypatch.setattr(agent_requests, "responses", responses)
    hosts = [MagicMock(print_prefix="") for _ in range(3)]
    for number, host in enumerate(hosts, 1):
        host.name = f"c{number}"
    state = MagicMock(active_hosts=hosts)
    monkeypatch.setattr(rejoin, "_POLL_SECONDS", 0)
    deadline = 60 if len(c2) + len(c3) > 2 else 0
    done = Rejoin("10.0.0.9", others, deadline, "open sesame", moving)(state, hosts[1])
    return asked if done else [*asked, ("", "")]


def test_another_agent_joins_it_where_there_are_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    assert rejoins(monkeypatch, "c3") == [("c1", "10.0.0.9"), ("c3", "10.0.0.9")]


def test_the_only_server_joins_the_others_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = rejoins(monkeypatch, "c2")
    assert asked[-2:] == [("c2", address) for address in OTHERS]


LOST = Response(500, "No known Consul servers")


def test_the_only_server_joins_the_others_until_each_that_responds_has_found_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = rejoins(monkeypatch, "c2", c3=(LOST, LOST, Response(200, '"10.0.0.9:8300"')))
    assert asked.count(("c2", OTHERS[1])) == 3


def test_an_agent_that_finds_no_server_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    assert rejoins(monkeypatch, "c2", c3=(LOST,))[-1] == ("", "")


def test_a_server_that_the_others_still_take_for_alive_elsewhere_is_joined_until_it_has_a_leader(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    moving = frozenset({"c2"})
    asked = rejoins(monkeypatch, "c3", c2=(LOST, LOST, Response(200, '"10.0.0.1:8300"')), moving=moving)
    assert asked.count(("c3", "10.0.0.9")) == 3


def test_nobody_waits_for_an_agent_that_moves_in_the_same_deploy(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = rejoins(monkeypatch, "c2", c3=(LOST,), moving=frozenset({"c2", "c3"}))
    assert asked[-1] == ("c2", OTHERS[1])


def test_without_others_there_is_nobody_to_join(monkeypatch: pytest.MonkeyPatch) -> None:
    assert rejoins(monkeypatch, others=()) == []


def test_nobody_to_be_reached_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    assert rejoins(monkeypatch)[-1] == ("", "")
