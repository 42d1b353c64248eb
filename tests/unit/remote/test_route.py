"""Where ssh would connect: the user's own configuration decides, and the inventory without an ssh."""

from pathlib import Path

import pytest

from rollcall.config.inventory import Host
from rollcall.remote.route import Route, routes

CONFIG = """\
Host db
  HostName 192.0.2.7
  Port 2222
  User admin
Host inner
  ProxyJump db
Host tunnelled
  ProxyCommand nc %h %p
"""


def host(name: str, tmp_path: Path, **more: object) -> Host:
    config = tmp_path / "config"
    config.write_text(CONFIG)
    return Host(name, "ssh", name, data={"ssh_config_file": str(config)}, **more)  # type: ignore[arg-type]


def test_each_host_has_its_own_answer_of_ssh(tmp_path: Path) -> None:
    names = ("inner", "db", "web", "tunnelled")
    found = dict(zip(names, routes([host(name, tmp_path, user="root") for name in names]), strict=True))
    assert found["db"] == Route("192.0.2.7", 2222, "root", direct=True)
    assert found["web"] == Route("web", 22, "root", direct=True)
    assert [name for name in names if not found[name].direct] == ["inner", "tunnelled"]


def test_the_inventory_comes_before_the_users_configuration(tmp_path: Path) -> None:
    assert routes([host("db", tmp_path, port=22022), host("db", tmp_path)]) == [
        Route("192.0.2.7", 22022, "admin", direct=True),
        Route("192.0.2.7", 2222, "admin", direct=True),
    ]


def test_a_configuration_that_ssh_refuses_leaves_the_inventory_and_the_other_hosts(tmp_path: Path) -> None:
    broken = Host("web", "ssh", "10.0.0.1", port=23, data={"ssh_config_file": str(tmp_path / "absent")})
    assert routes([broken, host("db", tmp_path)]) == [
        Route("10.0.0.1", 23, "", direct=True),
        Route("192.0.2.7", 2222, "admin", direct=True),
    ]


def test_without_an_ssh_the_inventory_says_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert routes([host("db", tmp_path, user="admin")]) == [Route("db", 22, "admin", direct=True)]
