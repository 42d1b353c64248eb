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
