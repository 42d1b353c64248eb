"""The fleet's lock: what Consul is asked, how its responses are read, and how one is taken and kept."""

import base64
import json
from typing import Any

import pytest

from rollcall.consul import deploy_lock, fleet_lock
from rollcall.consul.agent_client import Request
from rollcall.consul.curl import Response
from rollcall.consul.deploy_lock import Holder, Lock
from rollcall.consul.fleet_lock import FleetLock
from rollcall.errors import RollcallError

ANN = Holder("ann@laptop", "rollcall deploy inventories/shop.py", "2026-11-29 04:20:11", "laptop", 4711)


def entry(**more: Any) -> str:
    value = base64.b64encode(json.dumps(vars(ANN)).encode()).decode()
    return json.dumps([{"Key": deploy_lock.KEY, "Value": value, "LockIndex": 41, **more}])


def test_a_held_lock_names_who_holds_it_since_when() -> None:
    lock = deploy_lock.read(entry(Session="s-1"))
    assert lock == Lock(ANN, 41, "s-1")
    assert lock.holder is not None
    assert lock.holder.sentence.startswith(
        "ann@laptop has been deploying this fleet since 2026-11-29 04:20:11 UTC (rollcall deploy inventories/shop.py); "
    )


def test_a_lock_given_back_and_one_never_taken_are_free() -> None:
    assert deploy_lock.read(entry()) == Lock(None, 41)
    assert deploy_lock.read("\n") == Lock()


@pytest.mark.parametrize("body", ["Permission denied: token lacks permission", "No cluster leader", "[]"])
def test_what_does_not_show_the_lock_says_nothing_of_it(body: str) -> None:
    assert deploy_lock.read(body) is None


def test_a_foreign_value_still_counts_as_held() -> None:
    lock = deploy_lock.read(entry(Session="s-1", Value=base64.b64encode(b"x").decode()))
    assert lock is not None
    assert lock.holder is not None
    assert lock.holder.who == "somebody"


class Agents:
    """Consul agents that give each request its response by the path; None: the agent does not respond."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *agents: dict[str, Response]) -> None:
        self.asked: list[str] = []
        self.by_host = dict(enumerate(agents))
        outer = self

        class Client:
            def __init__(self, host: int, _token: str, *, detached: bool) -> None:
                assert detached
                self._responses = outer.by_host[host]

            def response(self, request: Request) -> Response:
                outer.asked.append(request.path)
                found = self._responses.get(request.path)
                if found is None:
                    raise RollcallError("does not respond")
                return found

        monkeypatch.setattr(fleet_lock, "AgentClient", Client)
        self.lock = FleetLock(list(self.by_host), "token", ANN)  # type: ignore[arg-type]


SESSION, KEY, TAKE = "/v1/session/create", deploy_lock.PATH, f"{deploy_lock.PATH}?acquire=s-1"
RENEW, DESTROY = "/v1/session/renew/s-1", "/v1/session/destroy/s-1"
FINE = Response(200, "true")
CREATED = {SESSION: Response(200, '{"ID":"s-1"}'), DESTROY: FINE}
MINE = {**CREATED, TAKE: FINE, KEY: Response(200, entry(Session="s-1", LockIndex=42)), RENEW: FINE}
OTHERS = {**CREATED, TAKE: Response(200, "false"), KEY: Response(200, entry(Session="s-0"))}


def test_a_free_lock_is_taken_and_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    agents = Agents(monkeypatch, MINE)
    assert agents.lock.acquire(Lock(None, 41)) == ""
    agents.lock.release()
    agents.lock.release()
    assert agents.asked == [SESSION, TAKE, KEY, DESTROY]


def test_the_second_deploy_is_refused_and_leaves_no_session(monkeypatch: pytest.MonkeyPatch) -> None:
    agents = Agents(monkeypatch, OTHERS)
    with pytest.raises(RollcallError, match="ann@laptop has been deploying this fleet since"):
        agents.lock.acquire(Lock(None, 40))
    assert agents.asked[-1] == DESTROY


def test_the_lock_of_a_deploy_that_was_killed_is_taken_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also by a run that did not read the lock with its hosts, as one of a single host."""
    monkeypatch.setattr(fleet_lock, "POLL_SECONDS", 0.0)
    monkeypatch.setattr(fleet_lock.who, "has_ended", lambda machine, _process: machine == "laptop" and not ended)
    ended: list[str] = []
    held, destroy = {**OTHERS, "/v1/session/destroy/s-0": FINE}, "/v1/session/destroy/s-0"
    agents = Agents(monkeypatch, held)
    ask = FleetLock._ask

    def until_ended(lock: FleetLock, request: Request) -> Response | None:
        if request.path == destroy:
            ended.append(request.path)
            held.update(MINE)
        return ask(lock, request)

    monkeypatch.setattr(FleetLock, "_ask", until_ended)
    assert agents.lock.acquire(None) == ""
    assert agents.asked == [SESSION, TAKE, KEY, destroy, TAKE, KEY]


def test_a_lock_that_consul_still_keeps_from_everybody_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fleet_lock, "POLL_SECONDS", 0.0)
    kept = {**CREATED, TAKE: Response(200, "false"), KEY: Response(200, entry())}
    agents = Agents(monkeypatch, kept)
    ask = FleetLock._ask

    def later(lock: FleetLock, request: Request) -> Response | None:
        if request.path == TAKE and agents.asked.count(TAKE) == 3:
            kept.update(MINE)
        return ask(lock, request)

    monkeypatch.setattr(FleetLock, "_ask", later)
    assert agents.lock.acquire(Lock(None, 41)) == ""
    assert agents.asked.count(TAKE) == 4


def test_a_deploy_that_began_and_ended_after_the_hosts_were_read_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    agents = Agents(monkeypatch, MINE)
    with pytest.raises(RollcallError, match="has changed this fleet since this one read it"):
        agents.lock.acquire(Lock(None, 40))
    assert agents.asked[-1] == DESTROY


def test_without_a_consul_there_is_nothing_to_say(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Agents(monkeypatch, {}, {}).lock.acquire(None) == ""


def test_a_consul_without_a_leader_or_that_refuses_gives_no_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    agents = Agents(monkeypatch, {SESSION: Response(500, "No cluster leader")})
    assert agents.lock.acquire(None) == "No cluster leader"


def test_the_next_agent_is_asked_where_one_does_not_respond(monkeypatch: pytest.MonkeyPatch) -> None:
    agents = Agents(monkeypatch, {}, MINE)
    assert agents.lock.acquire(None) == ""
    assert agents.lock.renew() == ""


def test_a_lock_that_consul_lost_is_taken_again_or_its_loss_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    agents = Agents(monkeypatch, {**MINE, RENEW: Response(404, "Session id not found")})
    agents.lock.acquire(None)
    assert agents.lock.renew() == ""
    assert agents.asked[-3:] == [SESSION, TAKE, KEY]
    agents.by_host[0].update(OTHERS)
    assert "ann@laptop has been deploying" in agents.lock.renew()


def test_an_agent_that_is_lost_for_a_while_is_no_lost_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    agents = Agents(monkeypatch, dict(MINE))
    agents.lock.acquire(None)
    agents.by_host[0].pop(RENEW)
    assert agents.lock.renew() == ""
