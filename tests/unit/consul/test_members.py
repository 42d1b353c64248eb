"""Agents that gossip knows and no inventory lists."""

import json
from typing import Any

import pytest

from rollcall.consul.members import Agent, locked_out, nodes, parse, step, taken, unlisted, words

ALIVE, LEFT, FAILED = 1, 3, 4


def member(name: str, status: int = ALIVE) -> dict[str, Any]:
    return {"Name": name, "Addr": "10.0.0.9", "Status": status, "Tags": {"role": "node"}}


def test_members_that_have_left_need_nothing_more() -> None:
    body = json.dumps([member("app2"), member("app1", FAILED), member("app3", LEFT)])
    assert unlisted(parse(body), []) == (Agent("app1", "10.0.0.9", False), Agent("app2", "10.0.0.9", True))
    assert unlisted(parse(body), ["app1", "app2"]) == ()


@pytest.mark.parametrize("body", ["", "Permission denied", "null", "{}", '[{"Name": "x"}]'])
def test_any_other_response_lists_nobody(body: str) -> None:
    assert parse(body) == ()


def test_what_to_do_depends_on_whether_it_runs() -> None:
    dead, alive = Agent("app2", "10.0.0.9", False), Agent("app2", "10.0.0.9", True)
    assert words(dead) == "app2 (10.0.0.9) is in no inventory, and its Consul agent no longer responds"
    assert step(dead, "production.py", {}) == "rollcall forget production.py app2"
    assert "still runs" in words(alive)
    assert "rollcall remove production.py --host app2" in step(alive, "production.py", {"10.0.0.8": "app1"})
    assert step(alive, "production.py", {"10.0.0.9": "web2"}).startswith(
        'web2 has its address: keep its name by ("web2", {"node": "app2"})'
    )


def test_a_new_machine_does_not_get_the_name_of_an_agent_that_runs_elsewhere() -> None:
    alive, dead = Agent("app2", "10.0.0.9", True), Agent("app2", "10.0.0.9", False)
    sentence = taken([alive], {"app2": "10.0.0.10"}, "production.py")
    assert sentence.startswith("app2: got a new machine at 10.0.0.10, but the Consul agent of that name runs at 10.0.0")
    assert "`rollcall remove production.py --host app2`" in sentence
    assert taken([dead], {"app2": "10.0.0.10"}, "production.py") == "", "it was replaced"
    assert taken([alive], {"app2": "10.0.0.9"}, "production.py") == "", "it lost its files"
    assert taken([alive], {"app3": "10.0.0.10"}, "production.py") == ""


def test_an_agent_whose_name_the_catalog_keeps_for_another_id_is_locked_out() -> None:
    tagged = [{**member(name), "Tags": {"id": f"id-{name}"}} for name in ("app1", "app2", "app3")]
    agents = parse(json.dumps([*tagged, {**member("app4", FAILED), "Tags": {"id": "id-app4"}}, member("app5")]))
    body = json.dumps(
        [
            {"Node": name, "ID": f"{'other' if name != 'app1' else 'id'}-{name}"}
            for name in ("app1", "app2", "app4", "app5")
        ]
    )
    assert [agent.node for agent in locked_out(agents, nodes(body))] == ["app2"]


@pytest.mark.parametrize("body", ["", "Permission denied", "null", '[{"Name": "x"}]'])
def test_any_other_response_lists_no_node(body: str) -> None:
    assert nodes(body) == {}
