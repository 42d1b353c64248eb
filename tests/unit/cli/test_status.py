"""The exit code of `rollcall status`, and what stands in its way."""

import json
from contextlib import nullcontext
from typing import Any

import click.testing
import pytest
from click.testing import CliRunner
from status_world import FLEET, ON_EVERY_HOST, ours_running

from rollcall.cli import status
from rollcall.config.inventory import Host, Inventory
from rollcall.errors import RollcallError
from rollcall.remote import run as remote_run
from rollcall.remote.run import Result

MANAGED = "".join(f"{json.dumps(ours_running(name))}\n" for name in ON_EVERY_HOST)
ANSWER = f"@@rollcall containers\n{MANAGED}@@rollcall agent\n{{}}\n{{}}\n@@rollcall end\n"


class Shell:
    """Answers every command alike."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def run(self, _command: str) -> Any:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def done(code: int = 0, output: str = ANSWER, errors: str = "") -> Result:
    return Result(code, output, errors)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run it on two hosts, of which the second answers as given."""

    def of(second: Any, *options: str) -> click.testing.Result:
        hosts = tuple(Host(name, "ssh", name) for name in ("app1", "app2"))
        answers = {"app1": done(), "app2": second}
        chosen = Inventory("six.py", None, hosts)  # type: ignore[arg-type]
        monkeypatch.setattr(status, "checked_fleet", lambda *_: (chosen, FLEET))
        monkeypatch.setattr(remote_run, "connected", lambda host, _: nullcontext(Shell(answers[host.name])))
        return CliRunner().invoke(status.status, ["six.py", *options])

    return of


def test_a_readable_fleet_exits_0(run: Any) -> None:
    said = run(done(), "--json")
    assert said.exit_code == 0
    assert json.loads(said.stdout)["unread"] == []


@pytest.mark.parametrize(
    ("second", "reason"),
    [
        (done(91, "", "noise\nCannot connect to the Docker daemon"), "Cannot connect to the Docker daemon"),
        (done(0, "half an output"), "the output is cut off"),
        (RollcallError("ssh to app2 failed: No route"), "ssh to app2 failed: No route"),
        (done(0, ANSWER.replace("{}\n{}", "Permission denied")), "cannot read the services of its Consul agent"),
    ],
)
def test_an_unreadable_host_exits_1_and_is_named(run: Any, second: Any, reason: str) -> None:
    said = run(second, "--json")
    assert said.exit_code == 1
    (unread,) = json.loads(said.stdout)["unread"]
    assert unread["where"] == "app2"
    assert unread["text"].startswith(reason)


@pytest.mark.parametrize("option", ["--json", "--check"])
def test_json_and_check_exclude_watch(run: Any, option: str) -> None:
    said = run(done(), option, "--watch")
    assert said.exit_code == 2
    assert option in said.stderr


def test_check_fails_for_a_problem_and_prints_the_next_command(run: Any) -> None:
    stopped = done(0, ANSWER.replace(MANAGED, ""))
    assert run(stopped).exit_code == 0
    said = run(stopped, "--check", "--json")
    assert said.exit_code == 1
    assert {one["kind"] for one in json.loads(said.stdout)["problems"]} == {"down"}
    assert all(one["next"].endswith("rollcall deploy six.py") for one in json.loads(said.stdout)["problems"])
    assert run(done(), "--check").exit_code == 0
