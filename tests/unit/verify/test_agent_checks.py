"""What the checks of Consul's agents find, and the command that they name."""

from types import SimpleNamespace
from typing import Any

import pytest
import requests

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


FINE, LEAVING, LEFT, FAILED = 1, 2, 3, 4


def three(*views: int, leader: str = "10.0.0.1:8300") -> Any:
    """Give three servers, each of which lists app1, a client that responds, in a state of its own."""
    names = [f"consul{number}" for number in (1, 2, 3)]

    def agent(state: int) -> Any:
        listed = [{"Name": name, "Addr": "10.0.0.9", "Status": FINE} for name in names]
        seen = [*listed, {"Name": "app1", "Addr": "10.0.0.9", "Status": state}]
        return SimpleNamespace(
            agent=SimpleNamespace(self=dict, members=lambda: seen), status=SimpleNamespace(leader=lambda: leader)
        )

    agents = {name: agent(state) for name, state in zip((*names, "app1"), (*views, FINE), strict=True)}
    listed = tuple(SimpleNamespace(name=name, node=name, is_server=name in names) for name in agents)
    return SimpleNamespace(
        members=listed,
        catalog=SimpleNamespace(agents=agents, any_agent=lambda: agents["consul1"]),
        command_line=lambda host, command: f"{host}: {command}",
        begun=0.0,
    )


def test_agents_that_everybody_lists_as_alive_pass() -> None:
    said: list[str] = []
    checks.test_every_agent_is_alive(three(FINE, FINE, FINE), said.append)
    assert said == ["every agent is alive: 4 of 4"]


@pytest.mark.parametrize(
    ("views", "found", "step"),
    [
        ((FINE, LEAVING, FINE), "leaving by consul2", "docker restart consul"),
        ((LEAVING, FAILED, LEAVING), "leaving by consul1, consul3", "docker restart consul"),
        ((FINE, FINE, FAILED), "failed by consul3", "docker logs --tail 20 consul"),
        ((LEFT, FINE, FINE), "gone by consul1", "docker logs --tail 20 consul"),
    ],
)
def test_an_agent_that_any_server_does_not_list_as_alive_is_named(
    views: tuple[int, ...], found: str, step: str
) -> None:
    with pytest.raises(CheckError) as raised:
        checks.test_every_agent_is_alive(three(*views), lambda _: None)
    assert raised.value.found == [f"app1: its agent responds, but is listed as {found}"]
    assert raised.value.command == f"app1: {step}"


def test_a_server_that_knows_no_leader_judges_nobody() -> None:
    cluster = three(FINE, FAILED, FINE)
    cluster.catalog.agents["consul2"].status = SimpleNamespace(leader=lambda: "")
    checks.test_every_agent_is_alive(cluster, lambda _: None)


def test_an_agent_that_does_not_respond_is_named_with_the_reason() -> None:
    cluster = three(FINE, FINE, FINE)

    def refuses() -> None:
        raise requests.ConnectionError("Connection refused")

    cluster.catalog.agents["consul1"].agent.self = refuses
    with pytest.raises(CheckError) as raised:
        checks.test_every_agent_is_alive(cluster, lambda _: None)
    (found,) = raised.value.found
    assert found.startswith("consul1: ")
    assert raised.value.command == "consul1: docker logs --tail 20 consul"


def test_without_a_server_among_the_hosts_the_view_of_any_agent_counts() -> None:
    cluster = three(LEAVING, FINE, FINE)
    cluster.members = cluster.members[-1:]
    with pytest.raises(CheckError) as raised:
        checks.test_every_agent_is_alive(cluster, lambda _: None)
    assert raised.value.found == ["app1: its agent responds, but is listed as leaving by others"]
