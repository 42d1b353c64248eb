"""The log of a service on one host: the command, run by a real shell with a docker of the test's, and its lines."""

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from rollcall.contract import access_log
from rollcall.services import logs
from rollcall.services.logs import Line

DOCKER = """#!/bin/sh
case "$1" in
  ps) printf '%s\\n' shop-1 shop-2-next shop-failed shop-2-1 web-1 ;;
  logs) for name; do :; done; echo "2026-11-29T04:00:0${#name}Z hello of $name"; echo "$@" >&2 ;;
  events) echo shop-3; echo web-2 ;;
esac
"""


@pytest.fixture
def path(tmp_path: Path) -> str:
    (tmp_path / "docker").write_text(DOCKER)
    (tmp_path / "docker").chmod(0o755)
    return f"{tmp_path}:{os.environ['PATH']}"


def printed(path: str, *, follow: bool) -> list[Line]:
    there = logs.command("shop", follow=follow, since="10m", tail="5")
    done = subprocess.run(
        ["sh", "-c", there],
        env={"PATH": path},
        # An end of standard input ends a log that is followed.
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        start_new_session=True,
    )
    return [line for text in done.stdout.splitlines() if (line := logs.parsed(text, "shop"))]


def test_the_log_of_a_service_is_that_of_its_containers_alone(path: str) -> None:
    found = printed(path, follow=False)
    assert [(line.container, line.text) for line in found if "hello" in line.text] == [
        ("shop-1", "hello of shop-1"),
        ("shop-2", "hello of shop-2-next"),
        ("shop-failed", "hello of shop-failed"),
    ]
    assert found[0].time == "2026-11-29T04:00:06Z"
    assert any("--tail=5 --since=10m shop-1" in f"{line.time} {line.text}" for line in found)


LINE = '{{"time":"{time}+00:00","request_id":"{name}"}}\n'


def log_of_a_front(path: str, folder: Path, monkeypatch: pytest.MonkeyPatch, **wanted: Any) -> subprocess.Popen[str]:
    """Start the command of a front's log; the end of its standard input ends it."""
    monkeypatch.setattr(access_log, "FOLDER", str(folder))
    there = logs.command(logs.FRONT, **{"follow": False, "since": "", "tail": "all", **wanted})
    pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    return subprocess.Popen(["sh", "-c", there], env={"PATH": path}, text=True, start_new_session=True, **pipes)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Three files of an access log, of which the oldest has the highest number."""
    folder = tmp_path / "log"
    folder.mkdir()
    for number, name in enumerate(("access.log.10", "access.log.9", "access.log"), 1):
        (folder / name).write_text(LINE.format(time=f"2026-11-0{number}T00:00:00", name=f"day-{number}") + "cut off")
    (folder / "access.log.3").symlink_to("/etc/passwd")
    return folder


@pytest.mark.parametrize(
    ("wanted", "days"),
    [
        ({}, [1, 2, 3]),
        ({"tail": "4"}, [2, 3]),
        ({"since": "2026-11-02T00:00:00Z"}, [2, 3]),
        ({"since": "1793664000"}, [3]),
        ({"since": "1h30m"}, []),
    ],
)
def test_the_log_of_a_front_has_the_files_of_its_access_log(
    path: str, files: Path, monkeypatch: pytest.MonkeyPatch, wanted: dict[str, str], days: list[int]
) -> None:
    output, _ = log_of_a_front(path, files, monkeypatch, **wanted).communicate()
    found = [line for text in output.splitlines() if (line := logs.parsed(text, logs.FRONT))]
    assert [(line.time, line.container) for line in found] == [
        (f"2026-11-0{day}T00:00:00.000000000Z", "front") for day in days
    ]
    assert all(f'"request_id":"day-{day}"' in line.text for day, line in zip(days, found, strict=True))


def test_a_followed_file_that_is_put_away_loses_no_line(
    path: str, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """nginx writes the last lines of a file after its rename."""
    following = log_of_a_front(path, files, monkeypatch, follow=True, tail="1")
    assert following.stdout
    with (files / "access.log").open("a") as written:
        written.write("\n" + LINE.format(time="2026-11-04T00:00:00", name="followed"))
        written.flush()
        assert "followed" in following.stdout.readline()
        (files / "access.log").rename(files / "access.log.1")
        (files / "access.log").write_text(LINE.format(time="2026-11-04T00:00:02", name="of-the-new-file"))
        written.write(LINE.format(time="2026-11-04T00:00:01", name="late"))
    assert "late" in following.stdout.readline()
    assert "of-the-new-file" in following.stdout.readline()
    following.communicate()


def test_lines_of_several_hosts_are_in_the_order_of_time() -> None:
    early, late = Line("2026-11-29T04:00:01Z", "shop-1", "a"), Line("2026-11-29T04:00:02Z", "shop-1", "b")
    assert logs.in_order([("app1", late), ("app2", early)]) == [("app2", early), ("app1", late)]


def test_what_is_no_line_of_a_container_is_left_out() -> None:
    assert logs.parsed("Error response from daemon", "shop") is None
    assert logs.parsed("", "shop") is None
