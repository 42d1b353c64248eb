from pathlib import Path

import pytest

from rollcall import command
from rollcall.errors import RollcallError
from rollcall.images import build


def test_building_labels_the_image_with_what_it_was_built_from() -> None:
    assert build.arguments("nginx:1.30", "rollcall.lab.image=abc", Path("/tmp/context")) == [
        "build",
        "--network=host",
        "--label=rollcall.lab.image=abc",
        "--tag=nginx:1.30",
        "/tmp/context",
    ]


def test_another_platform_is_requested_only_if_named() -> None:
    assert "--platform=linux/arm64" in build.arguments("nginx:1.30", "a=b", Path("/tmp/context"), "linux/arm64")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("linux/amd64", "linux/amd64", True),
        ("linux/arm64/v8", "linux/arm64", True),
        ("linux/arm/v7", "linux/arm/v6", False),
        ("linux/arm64", "linux/amd64", False),
    ],
)
def test_a_variant_that_only_one_platform_names_is_ignored(one: str, other: str, same: bool) -> None:
    assert build.is_same_platform(one, other) is same


def failing(output: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "attempt", lambda *_, **__: (1, output, "the last line\n"))


def test_a_failed_build_reports_the_last_line_and_a_file_with_all_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing("step 1\n", monkeypatch)
    log = tmp_path / "cache" / "build.log"
    with pytest.raises(RollcallError, match=r"cannot build front: the last line; all output is in .*build\.log"):
        build.run([], "front", log)
    assert log.read_text() == "step 1\nthe last line\n"


def test_programs_of_an_architecture_that_the_engine_cannot_run_are_named_as_such(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing("exec /bin/sh: exec format error\n", monkeypatch)
    with pytest.raises(RollcallError, match="cannot run programs for linux/arm64; install QEMU"):
        build.run([], "front", tmp_path / "build.log", "linux/arm64")
