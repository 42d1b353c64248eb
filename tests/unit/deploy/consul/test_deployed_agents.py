"""What is known of the servers that ran before a deploy."""

from types import SimpleNamespace

import pytest

from rollcall.components import consul
from rollcall.config.fleet import Fleet
from rollcall.deploy.consul import deployed_agents


@pytest.mark.parametrize(("host", "stays"), [("consul1", True), ("app1", False)])
def test_a_server_stays_one_whatever_its_address(
    monkeypatch: pytest.MonkeyPatch, fleet: Fleet, host: str, stays: bool
) -> None:
    monkeypatch.setattr(deployed_agents, "_servers", set())
    monkeypatch.setattr(deployed_agents, "_addresses", {})
    assert not deployed_agents.keeps_a_server(fleet)
    texts = {consul.AGENT: 'advertise_addr = "10.0.0.99"\n'}
    state = SimpleNamespace(texts=texts, files=[f"{consul.FOLDER}/{consul.MANAGEMENT}"])
    here = SimpleNamespace(member=fleet.member(host), fleet=fleet, state=state, agents=())
    deployed_agents.note(here)  # type: ignore[arg-type]
    assert deployed_agents.keeps_a_server(fleet) is stays
    assert deployed_agents.moving(here) == {host}  # type: ignore[arg-type]
