"""The exit code of `rollcall status`, and what stands in its way."""

import json
from typing import Any

import pytest
from click.testing import CliRunner, Result
from status_world import FLEET

from rollcall.cli import status
from rollcall.config.inventory import Host, Inventory

ANSWER = "@@rollcall containers\n@@rollcall agent\n{}\n{}\n@@rollcall end\n"


class Shell:
    """Answers every command alike."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def run(self, _command: str) -> Any:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class Done:
    def __init__(self, rc: int = 0, stdout: str = ANSWER, stderr: str = "") -> None:
        self.rc, self.stdout, self.stderr = rc, stdout, stderr


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run it on two hosts, of which the second answers as given."""

    def of(second: Any, *options: str) -> Result:
        hosts = tuple(Host(name, "ssh", name) for name in ("app1", "app2"))
        answers = {"app1": Done(), "app2": second}
        chosen = Inventory("six.py", None, hosts)  # type: ignore[arg-type]
        monkeypatch.setattr(status, "checked_fleet", lambda *_: (chosen, FLEET))
        monkeypatch.setattr(status, "shell", lambda host, _: Opened(Shell(answers[host.name])))
        return CliRunner().invoke(status.status, ["six.py", *options])

    return of


class Opened:
    def __init__(self, shell: Shell) -> None:
        self.shell = shell

    def __enter__(self) -> Shell:
        return self.shell

    def __exit__(self, *_: object) -> None:
        pass


def test_a_fleet_that_could_be_read_is_0(run: Any) -> None:
    done = run(Done(), "--json")
    assert done.exit_code == 0
    assert json.loads(done.stdout)["unread"] == []


@pytest.mark.parametrize(
    ("second", "reason"),
    [
        (Done(91, "", "noise\nCannot connect to the Docker daemon"), "Cannot connect to the Docker daemon"),
        (Done(0, "half an answer"), "its answer is cut off"),
        (
            RuntimeError(Done(255, "", "ssh: connect to host app2: No route")),
            "ssh failed: ssh: connect to host app2: No route",
        ),
        (Done(0, ANSWER.replace("{}\n{}", "Permission denied")), "its Consul agent does not tell its services"),
    ],
)
def test_a_host_that_could_not_be_read_is_1_and_said(run: Any, second: Any, reason: str) -> None:
    done = run(second, "--json")
    assert done.exit_code == 1
    (unread,) = json.loads(done.stdout)["unread"]
    assert unread["where"] == "app2"
    assert unread["text"].startswith(reason)


def test_json_is_one_document_and_cannot_be_watched(run: Any) -> None:
    done = run(Done(), "--json", "--watch")
    assert done.exit_code == 2
    assert "--json" in done.stderr
