"""Which images of a service are no longer needed."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollcall.services import pruning
from rollcall.services.history import Record


def ran(*images: str, done: int = 1) -> Record:
    declarations: tuple[Any, ...] = tuple({"image": image} for image in images)
    return Record("shop", images[0], "deploy", "ann", "2026", declarations, {}, 1, done)


@pytest.mark.parametrize(
    ("found", "old"),
    [
        ([], []),
        ([ran("e"), ran("d"), ran("c"), ran("b"), ran("a")], ["a", "b"]),
        # Restarts, and a version that ran again.
        ([ran("c"), ran("c"), ran("b"), ran("c"), ran("a"), ran("z")], ["z"]),
        # What never came up is none of the three.
        ([ran("d"), ran("bad", done=0), ran("c"), ran("b"), ran("a")], ["a", "bad"]),
        # Hosts may declare different images.
        ([ran("b", "B"), ran("a", "A"), ran("z", "A"), ran("y", "B")], ["y"]),
    ],
)
def test_all_but_those_of_the_last_three_versions_that_ran(found: list[Record], old: list[str]) -> None:
    assert pruning.outdated(found) == old


@given(st.lists(st.builds(ran, st.sampled_from("abcdef"), done=st.integers(0, 1))))
def test_what_ran_last_stays(found: list[Record]) -> None:
    latest = list(dict.fromkeys(one.image for one in found if one.done))[:3]
    assert set(pruning.outdated(found)) == {one.image for one in found} - set(latest)


DOCKER = """#!/bin/sh
case $1 in
  ps) echo c0ffee ;;
  inspect) echo shop:2@sha256:22; echo nginx ;;
  rmi) echo "$2" >>"$AT/removed"; exit 1 ;;
esac
"""


def test_what_no_container_was_made_from_is_removed_as_docker_lists_it(tmp_path: Path) -> None:
    (tmp_path / "docker").write_text(DOCKER)
    (tmp_path / "docker").chmod(0o755)
    command = pruning.remove(["r.example:5000/shop:1@sha256:11", "shop:2@sha256:22", "shop:2", "nginx", "old"])
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "AT": str(tmp_path)}
    done = subprocess.run(["sh", "-c", command], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    removed = (tmp_path / "removed").read_text().split()
    assert removed == ["r.example:5000/shop@sha256:11", "shop:2", "old:latest"]
