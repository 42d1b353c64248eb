"""The log of a service on one host: the command, run by a real shell with a docker of the test's, and its lines."""

import os
import subprocess
from pathlib import Path

import pytest

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


def test_lines_of_several_hosts_are_in_the_order_of_time() -> None:
    early, late = Line("2026-11-29T04:00:01Z", "shop-1", "a"), Line("2026-11-29T04:00:02Z", "shop-1", "b")
    assert logs.in_order([("app1", late), ("app2", early)]) == [("app2", early), ("app1", late)]


def test_what_is_no_line_of_a_container_is_left_out() -> None:
    assert logs.parsed("Error response from daemon", "shop") is None
    assert logs.parsed("", "shop") is None
