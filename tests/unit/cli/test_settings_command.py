"""`rollcall settings`, with and without a host."""

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from rollcall.cli.settings import settings
from rollcall.config.project import CHECKOUT
from rollcall.errors import RollcallError


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose one host overrides one key of a section."""
    shutil.copy(CHECKOUT / "deploy.py", tmp_path)
    (tmp_path / "group_data").mkdir()
    (tmp_path / "group_data" / "all.py").write_text('front = {\n    "server_name": "a.example",\n    "weight": 2,\n}\n')
    (tmp_path / "one.py").write_text('consul_servers = [("@local", {"front": {"weight": 3}})]\n')
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> str:
    result = CliRunner().invoke(settings, arguments, catch_exceptions=True)
    if isinstance(result.exception, RollcallError):
        return str(result.exception)
    return result.output


def test_without_a_host_it_prints_the_reference() -> None:
    assert run("front.weight").startswith("front.weight = 1\n")
    assert "consul.datacenter" in run()
    assert run("--markdown").startswith("# Settings")


def test_values_of_a_host_have_file_and_line(project: Path) -> None:
    lines = run("one.py", "--host", "@local", "--set").splitlines()
    assert [" ".join(line.split()) for line in lines] == [
        "front.server_name = 'a.example' # group_data/all.py:2",
        "front.weight = 3 # one.py:1; overrides 2 of group_data/all.py:3",
    ]
    assert run("one.py", "--host", "@local", "front.weight").startswith("front.weight = 3")
    assert "default" in run("one.py", "--host", "@local", "front.http_port")


def test_mistakes_are_one_sentence(project: Path) -> None:
    assert run("one.py") == "one.py: got an inventory without a host; expected --host HOST"
    assert "no such host in one.py; did you mean @local?" in run("one.py", "--host", "@locl")
    assert "unknown setting; did you mean front.weight?" in run("one.py", "--host", "@local", "front.wieght")
    assert "expected: rollcall settings INVENTORY --host HOST [KEY]" in run("--host", "@local")
