"""Agents that gossip knows and no inventory lists."""

import json
from typing import Any

import pytest

from rollcall.consul.members import Agent, locked_out, misjudged, nodes, parse, step, taken, unlisted, words

ALIVE, LEAVING, LEFT, FAILED = 1, 2, 3, 4


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


def test_an_agent_that_others_list_as_leaving_while_it_responds_is_to_join_anew() -> None:
    def view(state: int) -> tuple[Agent, ...]:
        return parse(json.dumps([member("consul1"), member("app1", state)]))

    assert misjudged(["app1", "consul1"], {"consul1": view(ALIVE), "consul2": view(ALIVE)}) == ()
    assert misjudged(["consul1"], {"consul1": view(LEAVING)}) == (), "an agent that does not respond is another matter"
    (one,) = misjudged(["app1"], {"consul1": view(FAILED), "consul2": view(LEAVING), "consul3": view(LEFT)})
    assert (one.node, str(one)) == ("app1", "its agent responds, but is listed as leaving by consul2")
    assert one.step == "docker restart consul"


@pytest.mark.parametrize(("state", "listed"), [(FAILED, "failed"), (LEFT, "gone")])
def test_a_restart_is_no_cure_for_an_agent_that_others_do_not_hear(state: int, listed: str) -> None:
    (one,) = misjudged(["app1"], {"consul1": parse(json.dumps([member("app1", state)]))})
    assert str(one).endswith(f"listed as {listed} by consul1")
    assert one.step == "docker logs --tail 20 consul"
