"""The file of the access log: bounded, found again, and never in nginx's way."""

import os
from pathlib import Path

import pytest

from rollcall.front.inputs.settings import AccessLog
from rollcall.front.nginx.access_log import NOWHERE, AccessLogFile, put_away

WANTED = AccessLog(size=100, keep=2)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "log").mkdir()
    return tmp_path / "log"


@pytest.fixture
def file(folder: Path) -> AccessLogFile:
    return AccessLogFile(folder, folder.parent / "link")


def contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


def write(folder: Path, text: str) -> None:
    with (folder.parent / "link").open("a") as log:
        log.write(text)


def test_nginx_writes_to_the_file_which_others_than_its_group_cannot_read(folder: Path, file: AccessLogFile) -> None:
    before = os.umask(0o022)
    try:
        file.follow(WANTED)
    finally:
        os.umask(before)
    write(folder, "a line\n")
    assert contents(folder) == {"access.log": "a line\n"}
    assert (folder / "access.log").stat().st_mode & 0o777 == 0o640
    assert file.fault == ""


def test_nothing_is_opened_again_while_the_file_is_small(folder: Path, file: AccessLogFile) -> None:
    file.follow(WANTED)
    write(folder, "x" * 99)
    assert not file.follow(WANTED)
    assert contents(folder) == {"access.log": "x" * 99}


def test_a_large_file_is_put_away_and_the_oldest_goes(folder: Path, file: AccessLogFile) -> None:
    file.follow(WANTED)
    for text in "abcd":
        write(folder, text * 100)
        assert file.follow(WANTED)
    assert contents(folder) == {"access.log": "", "access.log.1": "d" * 100, "access.log.2": "c" * 100}


def test_what_a_former_setting_kept_goes_and_other_files_stay(folder: Path, file: AccessLogFile) -> None:
    for name in ("access.log", "access.log.1", "access.log.2", "access.log.7", "access.log.old", "notes"):
        (folder / name).write_text(name)
    put_away(folder, 1)
    assert contents(folder) == {"access.log.1": "access.log", "access.log.old": "access.log.old", "notes": "notes"}


def test_a_file_that_somebody_took_away_is_there_again(folder: Path, file: AccessLogFile) -> None:
    file.follow(WANTED)
    (folder / "access.log").rename(folder / "mine")
    assert file.follow(WANTED)
    write(folder, "later\n")
    assert contents(folder) == {"access.log": "later\n", "mine": ""}


def test_without_its_folder_nginx_writes_nowhere_until_that_is_back(folder: Path, file: AccessLogFile) -> None:
    file.follow(WANTED)
    folder.rename(folder.with_name("gone"))
    assert file.follow(WANTED)
    write(folder, "lost\n")
    assert file.fault == f"no access log: {folder}/access.log: No such file or directory"
    folder.mkdir()
    assert file.follow(WANTED)
    assert (file.fault, contents(folder)) == ("", {"access.log": ""})


def test_a_link_in_the_place_of_the_file_is_not_followed(folder: Path, file: AccessLogFile, tmp_path: Path) -> None:
    (folder / "access.log").symlink_to(tmp_path / "other")
    file.follow(WANTED)
    assert "no access log" in file.fault
    assert not (tmp_path / "other").exists()


def test_a_full_disk_is_named(folder: Path, file: AccessLogFile, monkeypatch: pytest.MonkeyPatch) -> None:
    full = os.statvfs_result((4096, 4096, 100, 8, 0, 100, 50, 50, 0, 255))
    monkeypatch.setattr(os, "statvfs", lambda path: full)
    file.follow(WANTED)
    assert file.fault == f"lines of the access log are lost: {folder}: No space left on device"


def test_a_file_that_cannot_be_put_away_is_written_on(
    folder: Path, file: AccessLogFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    file.follow(WANTED)
    write(folder, "x" * 100)
    monkeypatch.setattr(Path, "replace", refuse)
    assert not file.follow(WANTED)
    assert file.fault == "the access log grows beyond its size: Operation not permitted"


def test_without_the_setting_there_is_no_file(folder: Path, file: AccessLogFile) -> None:
    file.follow(None)
    assert contents(folder) == {}
    assert (folder.parent / "link").readlink() == NOWHERE
