"""`rollcall restore`: a project comes back from a backup alone, and hosts without an agent are deployed first."""

import importlib
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from snapshots import backup, consuls

from rollcall.backup import archive, encryption, local_files
from rollcall.cli.backup.restore import restore
from rollcall.config.project import CHECKOUT
from rollcall.consul import pick_agent
from rollcall.errors import RollcallError

SETTINGS = {"group_data/lab.py": b"front = {}\n", "inventories/lab.py": b"x = []\n"}


@pytest.fixture(scope="module")
def encrypted() -> bytes:
    # Once: a passphrase is made slow to guess, by about a second of the processor.
    packed = archive.pack(replace(backup(), settings=SETTINGS))
    return encryption.encrypt(packed, encryption.Passphrase("open sesame"))


@pytest.fixture
def file(tmp_path: Path, encrypted: bytes) -> Path:
    (tmp_path / "passphrase").touch(0o600)
    (tmp_path / "passphrase").write_text("open sesame")
    local_files.write(tmp_path / "lab.age", encrypted)
    return tmp_path / "lab.age"


def run(file: Path, *arguments: str) -> str:
    by = ("--passphrase-file", str(file.with_name("passphrase")))
    result = CliRunner().invoke(restore, [*arguments, *by])
    return str(result.exception) if isinstance(result.exception, RollcallError) else result.output


def test_the_settings_come_into_an_empty_folder_with_the_next_command(file: Path, tmp_path: Path) -> None:
    folder = tmp_path / "fleet"
    said = run(file, "--settings", str(folder), str(file))
    assert f"addresses in {folder}/inventories/lab.py, then: cd {folder} && rollcall restore inventories/lab.py" in said
    assert (folder / "group_data" / "lab.py").read_bytes() == SETTINGS["group_data/lab.py"]
    (folder / "inventories" / "lab.py").write_text("edited")
    assert "has files, such as inventories/lab.py; expected an empty" in run(file, "--settings", str(folder), str(file))


def test_a_snapshot_alone_has_no_settings(file: Path, tmp_path: Path) -> None:
    (tmp_path / "consul.snapshot").write_bytes(consuls())
    assert "and no settings" in run(file, "--settings", str(tmp_path / "fleet"), str(tmp_path / "consul.snapshot"))


@pytest.mark.parametrize("arguments", [("a.py",), ("--settings", "fleet", "a.py", "b.age")])
def test_missing_and_superfluous_arguments_are_named(file: Path, arguments: tuple[str, ...]) -> None:
    assert "arguments; expected" in run(file, *arguments)


@pytest.mark.parametrize(("bare", "steps"), [([], ["restore"]), (["app1"], ["deploy", "restore"])])
def test_hosts_of_a_deploy_that_did_not_finish_are_deployed_first(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bare: list[str], steps: list[str]
) -> None:
    (tmp_path / "consul.snapshot").write_bytes(consuls())
    module, done = importlib.import_module("rollcall.cli.backup.restore"), list[str]()
    monkeypatch.setattr(module, "connectivity", SimpleNamespace(check=lambda _hosts: None))
    monkeypatch.setattr(module, "_leader", lambda *_: "consul1")
    monkeypatch.setattr(pick_agent, "without_agent", lambda _hosts: bare)
    monkeypatch.setattr(module, "run_deploy", lambda _chosen: done.append("deploy"))
    monkeypatch.setattr(module, "_restore", lambda *_: done.append("restore"))
    said = run(file, str(CHECKOUT / "inventories" / "lab.py"), str(tmp_path / "consul.snapshot"), "--yes")
    assert done == steps
    assert ("no Consul agent runs on app1, so all hosts are deployed first" in " ".join(said.split())) == bool(bare)
