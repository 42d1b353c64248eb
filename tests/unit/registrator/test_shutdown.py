"""A registrator that takes its services with it."""

import logging

import pytest

from rollcall.registrator.consul.agent import AgentRejectedError, AgentUnreachableError, Listing
from rollcall.registrator.consul.reconcile import Registration
from rollcall.registrator.services.identity import MARK_HOST
from rollcall.registrator.shutdown import deregister_all


class FakeAgent:
    def __init__(self) -> None:
        hosts = {"mine": "app1", "refused": "app1", "last": "app1", "theirs": "app2"}
        self.present = {name: Registration(name, name, "", 80, meta={MARK_HOST: hosts[name]}) for name in hosts}
        self.present["tool"] = Registration("tool", "tool", "", 80)
        self.away = False

    def services(self) -> Listing:
        if self.away:
            raise AgentUnreachableError("away")
        return Listing(dict(self.present))

    def deregister(self, registration: Registration) -> None:
        service_id = registration.id
        if service_id == "refused":
            raise AgentRejectedError("no")
        del self.present[service_id]


def test_only_its_own_go_and_one_refusal_keeps_no_other() -> None:
    agent = FakeAgent()
    deregister_all(agent, "app1")  # type: ignore[arg-type]
    assert set(agent.present) == {"refused", "theirs", "tool"}


def test_an_agent_that_is_away_is_a_line_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    agent = FakeAgent()
    agent.away = True
    with caplog.at_level(logging.WARNING):
        deregister_all(agent, "app1")  # type: ignore[arg-type]
    assert "services stay registered" in caplog.text
