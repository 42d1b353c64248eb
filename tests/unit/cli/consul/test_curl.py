"""`rollcall curl`: what is sent, what is printed, and how it ends."""

from typing import Any

import click.testing
import pytest
from click.testing import CliRunner

from rollcall.cli.consul import curl
from rollcall.consul.agent_client import Request
from rollcall.consul.curl import Response
from rollcall.errors import RollcallError


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run it with an agent that gives one answer; what it was asked is in `asked`."""
    asked: list[Request] = []

    class Agent:
        def __init__(self, *_: Any) -> None:
            self.answer = Response(200, '{"consul":[]}\n')

        def response(self, request: Request) -> Response:
            asked.append(request)
            return answers[0]

    answers = [Response(200, '{"consul":[]}\n')]

    class Tokens:
        def secret(self, _role: str) -> str:
            return "t"

    class Kept:
        tokens = Tokens()

    monkeypatch.setattr(curl, "checked_fleet", lambda *_: (None, None))
    monkeypatch.setattr(curl, "read_secrets", lambda *_: Kept())
    monkeypatch.setattr(curl, "pick_agent", lambda *_: None)
    monkeypatch.setattr(curl, "AgentClient", Agent)

    def of(*arguments: str, answer: Response | None = None, stdin: str = "") -> click.testing.Result:
        answers[0] = answer or answers[0]
        return CliRunner().invoke(curl.curl, ["six.py", *arguments], input=stdin)

    of.asked = asked  # type: ignore[attr-defined]
    return of


def test_the_response_is_printed_unchanged(run: Any) -> None:
    done = run("/v1/catalog/services")
    assert (done.exit_code, done.stdout) == (0, '{"consul":[]}\n')
    assert run("/v1/kv/a?raw", answer=Response(200, " white \n\n")).stdout == " white \n\n"
    assert [one.method for one in run.asked] == ["GET", "GET"]


def test_data_makes_a_put(run: Any) -> None:
    run("/v1/kv/shop", "-d", "open")
    run("/v1/kv/shop", "--data", "-", stdin="@closed")
    run("/v1/kv/shop", "-X", "DELETE")
    assert [(one.method, one.body) for one in run.asked] == [("PUT", "open"), ("PUT", "@closed"), ("DELETE", "")]
    assert run("/v1/kv/shop", "-X", "GET", "-d", "x").exit_code == 2


def test_a_refusal_fails_with_its_status_and_its_body(run: Any) -> None:
    done = run("/v1/acl/tokens", answer=Response(403, "Permission denied"))
    assert done.stdout == "Permission denied"
    assert isinstance(done.exception, RollcallError)
    assert str(done.exception) == "Consul returned 403 for /v1/acl/tokens"


@pytest.mark.parametrize("path", ["", "catalog/services", "http://x/v1/", "/v2/x", "/v1/a b", "/v1/a\n"])
def test_an_invalid_path_is_one_sentence(path: str) -> None:
    with pytest.raises(RollcallError, match=r"^PATH: got .*; expected a path of Consul's API"):
        curl.check_path(path)
