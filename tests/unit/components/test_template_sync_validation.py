"""Every fault in a template's settings is one sentence: file and line, key, value, and the expected form."""

from pathlib import Path
from typing import Any

import pytest
from own_components import check

from rollcall.components import template_sync_validation
from rollcall.config import validation
from rollcall.config.fleet import Member, RawHost, nowhere
from rollcall.config.layers import Layer
from rollcall.config.project import CHECKOUT
from rollcall.config.settings import Template
from rollcall.errors import RollcallError

GOOD = {"name": "haproxy", "destination": "/etc/haproxy/haproxy.cfg", "check": "haproxy -c -f {candidate}"}


@pytest.fixture
def source(tmp_path: Path) -> str:
    (tmp_path / "haproxy.ctmpl").write_text("x")
    return str(tmp_path / "haproxy.ctmpl")


def checked(*templates: dict[str, Any]) -> Member:
    data = {"address": "127.0.0.1", "template_sync": {"templates": list(templates)}}
    fleet = check("t", [RawHost("a", frozenset({"consul_servers"}), data)], "a", nowhere)
    return fleet.members[0]


CASES = [
    ({"name": "HA"}, "template_sync.templates[0].name: got 'HA'; expected a DNS label"),
    ({"name": None}, "template_sync.templates[0].name: got None; expected a DNS label"),
    (
        {"check": "haproxy -c"},
        "template_sync.templates[0].check: got 'haproxy -c'; expected a shell command that fails for a broken file",
    ),
    (
        {"destination": "haproxy.cfg"},
        "template_sync.templates[0].destination: got 'haproxy.cfg'; expected the absolute path",
    ),
    (
        {"destination": "/haproxy.cfg"},
        "template_sync.templates[0].destination: got '/haproxy.cfg'; expected the absolute path",
    ),
    (
        {"destination": "/etc/a/../b"},
        "template_sync.templates[0].destination: got '/etc/a/../b'; expected the absolute path",
    ),
    ({"destination": "/etc/haproxy/a b"}, "expected the absolute path of a file"),
    ({"destination": "/etc/rollcall/x"}, "'/etc/rollcall/x', which is in Rollcall's own directory; expected a file"),
    ({"destination": "/etc/fstab"}, "whose whole directory /etc the templates could write to; expected"),
    ({"destination": "/proc/sys/x"}, "whose whole directory /proc/sys the templates could write to"),
    ({"source": "absent.ctmpl"}, "template_sync.templates[0].source: got 'absent.ctmpl', but "),
    ({"container": "consul"}, "template_sync.templates[0].container: got 'consul', which is Rollcall's own; expected"),
    ({"container": "-x"}, "template_sync.templates[0].container: got '-x'; expected the name of a container"),
    ({"owner": "root"}, "template_sync.templates[0].owner: got 'root'; expected a numeric uid:gid"),
    ({"mode": "644"}, "template_sync.templates[0].mode: got '644'; expected an octal mode"),
    ({"mode": 0o644}, "template_sync.templates[0].mode: got 420; expected an octal mode"),
    ({"keep": 2}, "template_sync.templates[0].keep: got 2; expected a number from 0"),
    ({"relaod": "x"}, "template_sync.templates[0].relaod: unknown setting; did you mean reload?"),
]


@pytest.mark.parametrize(("wrong", "sentence"), CASES, ids=[str(wrong) for wrong, _ in CASES])
def test_a_wrong_value_is_one_sentence(source: str, wrong: dict[str, Any], sentence: str) -> None:
    with pytest.raises(RollcallError) as refusal:
        checked({**GOOD, "source": source, **wrong})
    assert sentence in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_what_is_missing_is_named(source: str) -> None:
    with pytest.raises(RollcallError, match=r"template_sync\.templates\[0\]\.check: missing; expected a shell command"):
        checked({"name": "a", "source": source, "destination": "/etc/a/b"})


@pytest.mark.parametrize(
    ("second", "sentence"),
    [
        ({}, "template_sync.templates[1].name: got 'haproxy' a second time"),
        ({"name": "b"}, "template_sync.templates[1].destination: got '/etc/haproxy/haproxy.cfg' a second time"),
    ],
)
def test_two_for_the_same(source: str, second: dict[str, Any], sentence: str) -> None:
    first = {**GOOD, "source": source}
    with pytest.raises(RollcallError) as refusal:
        checked(first, {**first, **second})
    assert sentence in str(refusal.value)


def test_a_source_that_is_not_text(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"\xff\xfe")
    with pytest.raises(RollcallError, match="which is not UTF-8"):
        checked({**GOOD, "source": str(tmp_path / "x")})


def test_the_file_and_line_are_named(tmp_path: Path) -> None:
    (tmp_path / "group_data").mkdir()
    (tmp_path / "group_data" / "all.py").write_text(
        'template_sync = {\n    "templates": [\n        {\n            "source": "absent",\n        },\n    ],\n}\n'
    )
    data = {"address": "127.0.0.1", "template_sync": {"templates": [{**GOOD, "source": "absent"}]}}
    layers = (Layer(str(tmp_path / "group_data" / "all.py"), "all", data),)
    hosts = [RawHost("a", frozenset({"consul_servers"}), data, layers)]
    with pytest.raises(
        RollcallError, match=r"group_data/all\.py:4: template_sync\.templates\[0\]\.source: got 'absent'"
    ):
        check("t", hosts, "a", validation.locator(tmp_path / "inventory.py", hosts))


def test_the_documented_example_is_right_and_every_setting_is_documented(monkeypatch: pytest.MonkeyPatch) -> None:
    project = CHECKOUT
    monkeypatch.chdir(project)
    text = (project / "docs" / "own-templates.md").read_text()
    values: dict[str, Any] = {}
    exec(text.split("```python\n")[1].split("```")[0], {}, values)
    assert checked(*values["template_sync"]["templates"]).settings.template_sync.templates[0].container == "haproxy"
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    assert [key for key in Template.model_fields if not any(f"`{key}`" in row for row in rows)] == []


@pytest.mark.parametrize(
    ("existing", "sentence"),
    [
        ({"haproxy", "x"}, ""),
        ({"haproxy1", "x"}, "expected a container of a; did you mean haproxy1?"),
        (set(), "start it before the deploy"),
    ],
)
def test_a_container_that_the_host_has_not(source: str, existing: set[str], sentence: str) -> None:
    member = checked({**GOOD, "source": source, "container": "haproxy"})
    said = template_sync_validation.unknown_container(member, existing, ["webserver-1"], nowhere)
    assert sentence in said
    assert bool(sentence) == bool(said)


def test_a_container_of_the_same_deploy_is_known(source: str) -> None:
    member = checked({**GOOD, "source": source, "container": "webserver-1"})
    assert template_sync_validation.unknown_container(member, [], ["webserver-1"], nowhere) == ""
