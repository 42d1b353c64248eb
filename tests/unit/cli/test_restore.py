"""`rollcall restore --settings`: a project comes back from a backup alone."""

from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from snapshots import backup, consuls

from rollcall.backup import archive, encryption, local_files
from rollcall.cli.restore import restore
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
