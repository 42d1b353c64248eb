"""The files of this machine that a backup holds, and their way back."""

import stat
from pathlib import Path

import pytest

from rollcall.backup import local_files
from rollcall.errors import RollcallError
from rollcall.secrets.identity import IDENTITY


def test_a_secrets_folder_comes_back_private_and_whole(tmp_path: Path) -> None:
    files = {IDENTITY: b"{}\n", "ca.pem": b"x\n", "services/shop/password": "pässword".encode()}
    local_files.write_secrets(tmp_path / "a", files, IDENTITY)
    assert local_files.secrets(tmp_path / "a") == files
    modes = {stat.S_IMODE(path.stat().st_mode) & 0o077 for path in tmp_path.glob("a/**/*")}
    assert modes == {0}


def test_the_mark_of_a_complete_folder_is_written_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    monkeypatch.setattr(local_files.PrivateDirectory, "write", lambda _self, name, _text: written.append(name))
    local_files.write_secrets(tmp_path / "a", {IDENTITY: b"", "a": b"", "z": b""}, IDENTITY)
    assert written == ["a", "z", IDENTITY]


def test_settings_are_the_inventory_group_data_deploy_and_templates(tmp_path: Path) -> None:
    for name in (
        "deploy.py",
        "inventories/eu/p.py",
        "inventories/eu/group_data/all.py",
        "group_data/all.py",
        "templates/front/page.html.j2",
        "other.py",
        ".secrets/p/ca.pem",
        "group_data/__pycache__/all.pyc",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    found = local_files.settings(tmp_path, tmp_path / "inventories/eu/p.py")
    assert set(found) == {
        "deploy.py",
        "inventories/eu/p.py",
        "inventories/eu/group_data/all.py",
        "group_data/all.py",
        "templates/front/page.html.j2",
    }
    (tmp_path / "back").mkdir()
    local_files.write_settings(tmp_path / "back", found)
    assert (tmp_path / "back/group_data/all.py").read_text() == "group_data/all.py"


def test_settings_are_written_again_after_an_interruption(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {"deploy.py": b"deploy", "group_data/all.py": b"all", "inventories/p.py": b"p"}
    replace = Path.replace

    def interrupted(partial: Path, file: Path) -> Path:
        if file.name == "all.py":
            raise KeyboardInterrupt
        return replace(partial, file)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", interrupted)
        with pytest.raises(KeyboardInterrupt):
            local_files.write_settings(tmp_path / "back", files)
    local_files.write_settings(tmp_path / "back", files)
    written = {str(file.relative_to(tmp_path / "back")) for file in (tmp_path / "back").glob("**/*.py*")}
    assert written == set(files)


@pytest.mark.parametrize("name", ["deploy.py", "README.md", "group_data/x.partial"])
def test_settings_are_not_written_over_other_files(tmp_path: Path, name: str) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("mine")
    with pytest.raises(RollcallError, match=f"has files, such as {name}; expected an empty folder, or a new one"):
        local_files.write_settings(tmp_path, {"deploy.py": b"deploy"})
    assert (tmp_path / name).read_text() == "mine"


def test_a_file_is_private_and_replaced_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "b.age"
    local_files.write(file, b"one")
    assert (stat.S_IMODE(file.stat().st_mode), local_files.read(file)) == (0o600, b"one")

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(local_files.os, "fsync", full)
    with pytest.raises(RollcallError, match=r"b\.age: no space left on device"):
        local_files.write(file, b"two")
    assert local_files.read(file) == b"one"
    assert [path.name for path in tmp_path.iterdir()] == ["b.age"]


def test_a_missing_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(RollcallError, match="b: no such file or directory"):
        local_files.read(tmp_path / "b")
