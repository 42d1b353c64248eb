"""An agent that responds while a Consul server goes on taking it for leaving: a true case, named, and ended."""

from collections.abc import Iterator

import pytest
from asking import Ask
from chaotic import well
from deployed import LAB, Fleet, rollcall, wait_for

from rollcall.chaos import network
from rollcall.consul import members

SENTENCE = "its agent responds, but is listed as leaving by consul2"


def listed(fleet: Fleet, viewer: str, node: str) -> str:
    """How a host's agent lists another one."""
    found = {one.node: one for one in members.read(fleet.consul(members.PATH, viewer) or ())}
    agent = found.get(node)
    return "gone" if agent is None else "alive" if agent.alive else "leaving" if agent.leaving else "failed"


@pytest.fixture
def _leaving_for_consul2(fleet: Fleet) -> Iterator[None]:
    """A word that app2 leaves reaches consul2 alone, since its network is cut; nobody repeats or refutes it later."""
    wait_for("no problem", well, 120)
    others = [member.address for member in fleet.declared.members if member.name != "consul2"]
    try:
        fleet.on("consul2", network.cut(others, {22}))
        token = fleet.secrets().tokens.secret("operator")
        # It responds once its gossip gave up repeating it.
        fleet.ask("consul2", [Ask("PUT", "/v1/agent/force-leave/app2")], token, check=False)
        assert listed(fleet, "consul2", "app2") == "leaving"
    finally:
        fleet.on("consul2", network.mend())
    yield
    fleet.on("app2", "docker restart consul")
    wait_for("no problem", well, 120)


@pytest.mark.usefixtures("_leaving_for_consul2")
def test_status_and_verify_name_it_and_the_restart_that_ends_it(fleet: Fleet) -> None:
    said = wait_for("status that names it", lambda: SENTENCE in (told := rollcall("status", LAB)) and told, 120)
    assert "next: docker restart consul on app2" in said
    # An agent that is only late is listed as alive by the next exchange of all states, which is every 30 seconds.
    wait_for("other servers", lambda: [listed(fleet, name, "app2") for name in ("consul1", "consul3")] == ["alive"] * 2)
    assert SENTENCE in rollcall("status", LAB, "--check", code=1)
    said = rollcall("verify", LAB, code=1)
    assert f"app2: {SENTENCE}" in said
    assert "docker restart consul" in said
    fleet.on("app2", "docker restart consul")
    wait_for("no problem", well, 120)
    assert listed(fleet, "consul2", "app2") == "alive"
