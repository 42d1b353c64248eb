"""What an operator drained stays drained, whatever happens to container, registrator, agent or token."""

from collections.abc import Callable
from pathlib import Path

import pytest
from guarded_agent import FLEETS_POLICY, Guarded
from registrator_world import HOSTNAME, Run, Start
from waiting import always, until

from rollcall.components.template_files import render
from rollcall.config.inventory import Host
from rollcall.consul.agent_client import AgentClient, Request
from rollcall.consul.maintenance import of_node, of_service
from rollcall.contract import local_agent
from rollcall.registrator.consul.agent_sync import REFRESH_SECONDS

HOST = Host("app1", "local", "127.0.0.1")
OPERATOR = render("consul/policies/operator.hcl.j2")
AGENT = render("consul/policies/agent.hcl.j2", node="test")


@pytest.fixture
def operator(guarded: Guarded, monkeypatch: pytest.MonkeyPatch) -> Callable[[], AgentClient]:
    """Somebody with a token of an operator's rights, another one each time."""
    monkeypatch.setattr(local_agent, "URL", f"http://127.0.0.1:{guarded.port}")
    return lambda: AgentClient(HOST, guarded.allow(OPERATOR))


@pytest.fixture
def token_file(guarded: Guarded, tmp_path: Path) -> Path:
    file = tmp_path / "registrator.token"
    file.write_text(guarded.allow(FLEETS_POLICY))
    return file


def passing(guarded: Guarded, name: str) -> bool:
    return bool(guarded.api.health.service(name, passing=True)[1])


def drained(guarded: Guarded, name: str) -> bool:
    return bool(guarded.catalog(name)) and not passing(guarded, name)


def test_a_drained_service_stays_out_until_undrain(
    start: Start, run: Run, guarded: Guarded, operator: Callable[[], AgentClient], token_file: Path, name: str
) -> None:
    environment = {"CONSUL_HTTP_TOKEN_FILE": str(token_file)}
    first = start("-internal", "-resync", "1", uri=guarded.uri, **environment)
    container, identity = run(), f"{HOSTNAME}:{name}:80"
    until(lambda: passing(guarded, name), "in service")
    operator().write(of_service(identity, enable=True))
    until(lambda: drained(guarded, name), "out of service")

    # At once, before the registrator has looked at the agent again.
    container.restart(timeout=1)
    until(lambda: first.text.count(f"registered {HOSTNAME}:{name}:80") >= 3, "deregistered and registered again")
    always(lambda: not passing(guarded, name), "out of service after a restart", 2 * REFRESH_SECONDS)

    first.stop()
    second = start("-internal", uri=guarded.uri, **environment)
    second.says("in maintenance as before (rollcall drain)")
    always(lambda: drained(guarded, name), "out of service with another registrator", 1)

    guarded.kill()
    guarded.start()
    until(lambda: drained(guarded, name), "out of service after a restart of the agent")
    always(lambda: drained(guarded, name), "out of service for good", 2 * REFRESH_SECONDS)

    operator().write(of_service(identity, enable=False))
    until(lambda: passing(guarded, name), "in service again")
    always(lambda: passing(guarded, name), "in service for good", 2 * REFRESH_SECONDS)


def test_undrain_works_without_the_token_that_drained(guarded: Guarded, operator: Callable[[], AgentClient]) -> None:
    """As after a rotation; the agent then needs the right to its own node, and has no other."""
    own = AgentClient(HOST, guarded.token or "")
    own.write(Request("PUT", "/v1/agent/token/agent", f'{{"Token": "{guarded.allow(AGENT)}"}}'))
    before = guarded.allow(OPERATOR)
    AgentClient(HOST, before).write(of_node(enable=True))

    def marks() -> set[str]:
        return {one["CheckID"] for one in guarded.api.health.node("test")[1]} - {"serfHealth"}

    until(lambda: marks() == {"_node_maintenance"}, "the node in maintenance")
    guarded.forbid(before)
    guarded.kill()
    guarded.start()
    assert marks() == {"_node_maintenance"}
    operator().write(of_node(enable=False))
    until(lambda: marks() == set(), "the node in service")
