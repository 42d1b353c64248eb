"""Inventories as people write them, and the sentence for each way of getting one wrong."""

from pathlib import Path

import pytest

from rollcall.config import inventory, inventory_file
from rollcall.errors import RollcallError

LAB_LIKE = """
print("an inventory may print")
consul_servers = [("consul1", {"ssh_hostname": "127.0.0.1", "ssh_port": 22011, "ssh_key": "keys/id"}), "@local"]
backends = (["app1", "consul1"], {"tag": "web"})
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "deploy.py").touch()
    (tmp_path / "group_data").mkdir()
    (tmp_path / "group_data/all.py").write_text('consul = {"domain": "example"}\n')
    (tmp_path / "inventories").mkdir()
    (tmp_path / "inventories/lab.py").write_text(LAB_LIKE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def sentence(source: str, *limit: str) -> str:
    with pytest.raises(RollcallError) as caught:
        inventory.read(source, limit)
    return str(caught.value)


def test_hosts_are_read_as_pyinfra_sees_them(project: Path) -> None:
    consul1, local, app1 = inventory.read("inventories/lab.py").hosts
    assert (consul1.name, consul1.connector, consul1.hostname, consul1.port) == ("consul1", "ssh", "127.0.0.1", 22011)
    assert consul1.key == project / "keys/id"
    assert consul1.groups == ("consul_servers", "backends", "lab")
    assert consul1.data["tag"] == "web"
    assert (local.name, local.connector, local.groups) == ("@local", "local", ("consul_servers", "lab"))
    assert (app1.hostname, app1.port, app1.user) == ("app1", None, None)


def test_group_data_of_the_project_counts_from_another_folder(
    project: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    read = inventory.read(str(project / "inventories/lab.py"))
    assert read.root == project
    assert {host.data["consul"]["domain"] for host in read.hosts} == {"example"}


def test_data_of_a_host_is_in_no_traceback(project: Path) -> None:
    assert "example" not in repr(inventory.read("inventories/lab.py"))


def test_hosts_without_a_file() -> None:
    hosts = inventory.read("@local,web1.example.net").hosts
    assert [(host.name, host.connector) for host in hosts] == [("@local", "local"), ("web1.example.net", "ssh")]


def test_limit_by_group_and_by_pattern(project: Path) -> None:
    def names(*limit: str) -> list[str]:
        return [host.name for host in inventory.read("inventories/lab.py", limit).hosts]

    assert names("backends") == ["consul1", "app1"]
    assert names("app*", "@local") == ["@local", "app1"]
    assert names("all") == ["consul1", "@local", "app1"]


def test_limit_that_matches_nothing(project: Path) -> None:
    text = sentence("inventories/lab.py", "app1", "backend")
    assert "--limit backend matches nothing" in text
    assert "groups: backends, consul_servers, lab" in text
    assert "hosts: consul1, @local, app1" in text
    assert "did you mean backends?" in text


def test_missing_file_with_a_near_name(project: Path) -> None:
    assert sentence("inventories/labs.py") == (
        "There is no inventory inventories/labs.py; did you mean inventories/lab.py?"
    )


def test_file_name_without_its_folder(project: Path) -> None:
    assert "did you mean inventories/lab.py?" in sentence("lab.py")


def test_missing_file_far_from_any(project: Path) -> None:
    assert "there are inventories/lab.py" in sentence("inventories/zzz.py")


def test_folder(project: Path) -> None:
    assert sentence("inventories") == (
        "The inventory inventories is a folder; name one of the files in it: inventories/lab.py."
    )


def test_other_extension(project: Path) -> None:
    (project / "hosts.yml").write_text("all:\n")
    assert "hosts.yml is not a Python file" in sentence("hosts.yml")


@pytest.mark.parametrize("file", ["inventories/lab.py", "group_data/all.py"])
def test_syntax_error_names_file_and_line(project: Path, file: str) -> None:
    (project / file).write_text("hosts = []\nconsul = {\n")
    text = sentence("inventories/lab.py")
    assert f"{file}, line 2, is not valid Python: '{{' was never closed" in text


def test_file_that_raises_names_file_and_line(project: Path) -> None:
    (project / "inventories/lab.py").write_text('import os\nhosts = [os.environ["ROLLCALL_NO_SUCH"]]\n')
    text = sentence("inventories/lab.py")
    assert "inventories/lab.py, line 2, raised KeyError: 'ROLLCALL_NO_SUCH'" in text


def test_no_hosts(project: Path) -> None:
    (project / "inventories/lab.py").write_text("consul_servers = []\n")
    assert "inventories/lab.py has no hosts" in sentence("inventories/lab.py")


def test_host_name_that_does_not_resolve(project: Path) -> None:
    assert "no host of that name can be resolved" in sentence("nonesuch.invalid")


def test_inventory_named_without_its_folder(project: Path) -> None:
    assert inventory_file.no_such_host("lab").endswith("; did you mean inventories/lab.py?")


def test_connector_that_is_neither_ssh_nor_local() -> None:
    assert "@docker/debian of the inventory uses a connector" in sentence("@docker/debian")


def test_port_that_is_none(project: Path) -> None:
    (project / "inventories/lab.py").write_text('hosts = [("web1", {"ssh_port": "ssh"})]\n')
    assert "`ssh_port`:: str is not an instance of int" in sentence("inventories/lab.py")
