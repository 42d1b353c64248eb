"""What an agent no longer knows is a failure, unless it may be gone."""

from types import SimpleNamespace
from typing import Any

import pytest

from rollcall import sections
from rollcall.consul import agent_client, maintenance
from rollcall.consul.agent_client import AgentClient
from rollcall.errors import RollcallError

GONE = maintenance.of_service("app1:shop-1:80", enable=True)


def client(monkeypatch: pytest.MonkeyPatch, *responses: tuple[int, str]) -> AgentClient:
    output = "".join(f"{body}\n{sections.MARKER} {status}\n" for status, body in responses)
    shell = SimpleNamespace(run=lambda *_: SimpleNamespace(output=output, reason=""))
    monkeypatch.setattr(agent_client, "Shell", lambda *_, **__: shell)
    host: Any = SimpleNamespace(name="app1")
    return AgentClient(host, "secret")


def test_a_write_about_what_may_be_gone_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    client(monkeypatch, (404, "Unknown service ID"), (200, "")).write(GONE, GONE, missing_ok=True)


@pytest.mark.parametrize(("status", "missing_ok"), [(404, False), (403, True), (500, True)])
def test_a_write_that_is_refused_fails(monkeypatch: pytest.MonkeyPatch, status: int, missing_ok: bool) -> None:
    with pytest.raises(RollcallError, match="the Consul agent of app1 rejects the request: no"):
        client(monkeypatch, (200, ""), (status, "no")).write(GONE, GONE, missing_ok=missing_ok)
