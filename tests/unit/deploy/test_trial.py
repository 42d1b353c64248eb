"""A new version of a component is tried on one host before the others get it."""

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import gevent
import pytest
from gevent.pool import Pool
from pyinfra.connectors.util import CommandOutput, OutputLine

from rollcall.deploy import callbacks, readiness
from rollcall.deploy.trial import ContainersWork, Trial

HOSTS = ("app1", "app2", "front1")


class FailedError(Exception):
    """A host's command failed, so pyinfra asks for none of its others."""


class Deploy:
    """A run of pyinfra on all hosts at once."""

    def __init__(self, trial: Trial, broken: str = "") -> None:
        self.trial, self.broken = trial, broken
        self.replaced: list[str] = []
        self.log: list[str] = []
        self.refused: dict[str, str] = {}

    def run(self, hosts: tuple[str, ...] = HOSTS) -> None:
        for host in hosts:
            self.trial.join(host)
        Pool().map(self._host, hosts)

    def _host(self, host: str) -> None:
        commands = self.trial.commands(host, self._changes(host), "check", lambda why: f"refuse {why}")
        try:
            for command in commands:
                self._command(host, str(command))
        except FailedError:
            commands.close()

    def _changes(self, host: str) -> Iterator[str]:
        yield f"stop on {host}"
        yield f"run on {host}"

    def _command(self, host: str, command: str) -> None:
        gevent.sleep()
        self.log.append(command)
        if command.startswith("run"):
            self.replaced.append(host)
        if command.startswith("refuse"):
            self.refused[host] = command.removeprefix("refuse ")
            raise FailedError
        if command == "check" and self.broken == "check":
            raise FailedError
        if self.broken and command.startswith(self.broken):
            raise FailedError


def test_the_others_follow_at_once_when_the_first_works() -> None:
    deploy = Deploy(Trial("registrator"))
    deploy.run()
    first, *others = deploy.replaced
    assert {first, *others} == set(HOSTS)
    assert deploy.log[:3] == [f"stop on {first}", f"run on {first}", "check"]
    # Both stop before one of them runs: they do not wait for each other.
    assert [command.split()[0] for command in deploy.log[3:]] == ["stop", "stop", "run", "run"]


@pytest.mark.parametrize("broken", ["check", "stop"])
def test_no_other_host_is_touched_when_the_first_does_not_work(broken: str) -> None:
    deploy = Deploy(Trial("registrator"), broken)
    deploy.run()
    [first] = set(HOSTS) - set(deploy.refused)
    assert {command.split()[-1] for command in deploy.log if command[:4] in ("stop", "run ")} == {first}
    assert set(deploy.refused.values()) == {f"registrator does not work on {first}, which was the first; fix it"}


def test_a_single_host_is_not_checked_twice() -> None:
    deploy = Deploy(Trial("registrator"))
    deploy.run(("app1",))
    assert deploy.log == ["stop on app1", "run on app1"]


STEADY = "/registrator true 2020-01-01T00:00:00Z 0 starting"
CRASHED = "/registrator true 2020-01-01T00:00:00Z 3 starting"


@pytest.mark.parametrize(
    ("line", "failing", "missing"),
    [
        (STEADY, "nothing", []),
        (STEADY, "docker exec", ["registrator fails its own health check: no engine"]),
        (STEADY, "try it", ["no engine"]),
        (CRASHED, "nothing", ["registrator does not stay up; its log ends: no engine"]),
    ],
)
def test_a_container_works_if_its_own_check_passes_and_the_host_notices(
    monkeypatch: pytest.MonkeyPatch, line: str, failing: str, missing: list[str]
) -> None:
    document = [{"Name": "/registrator", "Config": {"Healthcheck": {"Test": ["CMD", "registrator", "healthy"]}}}]

    def run(_host: Any, command: str, _stdin: str = "") -> tuple[bool, CommandOutput]:
        output = {readiness.INSPECT: f"1800000000.0\n{line}", "docker inspect --type": json.dumps(document)}
        text = next((text for part, text in output.items() if part in command), "no engine")
        return failing not in command, CommandOutput([OutputLine("stdout", one) for one in text.split("\n")])

    monkeypatch.setattr(callbacks, "run", run)
    assert ContainersWork(("registrator",), 1, ["try it"]).missing(SimpleNamespace()) == missing  # type: ignore[arg-type]
