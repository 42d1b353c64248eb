"""What the checks of Consul's agents find, and the command that they name."""

from types import SimpleNamespace
from typing import Any

import pytest

from rollcall.verify.check_error import CheckError
from rollcall.verify.checks import test_agents as checks


def cluster(ids: dict[str, str], registered: dict[str, str]) -> Any:
    """Give a cluster of agents by their ids, and the ids that the catalog has of them."""
    members = [{"Name": name, "Addr": "10.0.0.9", "Status": 1, "Tags": {"id": one}} for name, one in ids.items()]
    agent = SimpleNamespace(
        agent=SimpleNamespace(members=lambda: members),
        catalog=SimpleNamespace(nodes=lambda: (7, [{"Node": name, "ID": one} for name, one in registered.items()])),
    )
    return SimpleNamespace(source="lab.py", begun=0.0, catalog=SimpleNamespace(any_agent=lambda: agent))


def test_a_server_that_came_back_too_early_is_named_with_what_ends_it() -> None:
    said: list[str] = []
    checks.test_every_agent_has_its_name(cluster({"c1": "1", "c2": "2"}, {"c1": "1", "c2": "2"}), said.append)
    assert said == ["no agent is locked out of its name"]
    with pytest.raises(CheckError) as raised:
        checks.test_every_agent_has_its_name(cluster({"c1": "1", "c2": "2"}, {"c1": "1", "c2": "before"}), said.append)
    assert raised.value.found[0].startswith("c2: its agent lost its data")
    assert raised.value.command.startswith("docker stop consul on c2; then rollcall forget lab.py c2")


@pytest.mark.parametrize(
    ("status", "found", "step"),
    [
        (2, "app1: leaving", "docker restart consul"),
        (4, "app1: failed", "docker logs --tail 20 consul"),
    ],
)
def test_an_agent_that_others_take_for_leaving_is_to_join_anew(status: int, found: str, step: str) -> None:
    agents = cluster({"app1": "1"}, {})
    agent = agents.catalog.any_agent().agent
    agent.members()[0]["Status"] = status
    own = SimpleNamespace(agent=SimpleNamespace(self=dict))
    agents.catalog.agents, agents.members = {"app1": own}, (SimpleNamespace(name="app1", node="app1"),)
    agents.command_line = lambda host, command: f"{host}: {command}"
    with pytest.raises(CheckError) as raised:
        checks.test_every_agent_is_alive(agents, lambda _: None)
    assert (raised.value.found, raised.value.command) == ([found], f"app1: {step}")
