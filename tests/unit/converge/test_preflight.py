"""A host's requirements: reading them, and one sentence for each that is missing."""

import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollcall.converge import preflight
from rollcall.converge.preflight import Machine, fitting, parse, problems

INFO = {"DockerRootDir": "/data/docker", "SecurityOptions": ["name=seccomp,profile=builtin"], "MemoryLimit": True}
LINES = ["uid 0", "memory 3070112", "selinux 0", "free 9000000 /", "free 900000 /data", "free 12 /data/my disk"]
GOOD = parse(LINES, INFO)


def with_info(**more: Any) -> Machine:
    return replace(GOOD, info={**INFO, **more})


def test_a_suitable_machine_has_no_problems() -> None:
    assert problems(GOOD, missing_images=1) == []


def test_everything_is_read() -> None:
    assert (GOOD.memory, GOOD.uid, GOOD.selinux, GOOD.docker) == (2998, 0, False, "")
    assert GOOD.free_at("/etc") == 8789
    assert GOOD.free_at("/data/docker") == 878
    assert GOOD.free_at("/data/my disk/x") == 0
    assert GOOD.free_at("/database") == 8789


@pytest.mark.parametrize(
    ("machine", "sentence"),
    [
        (replace(GOOD, lacks=("tar",)), "the command tar is missing; install tar"),
        (replace(GOOD, lacks=("awk",)), "the command awk is missing; install gawk"),
        (replace(GOOD, busybox=("find",)), "the command find is BusyBox's; expected GNU's: install findutils"),
        (replace(GOOD, read_only=("/etc",)), "/etc is read-only; a deploy writes to it"),
        (replace(GOOD, docker="podman"), "the docker command is Podman's"),
        (replace(GOOD, docker="snap"), "Docker Engine is the snap package"),
        (
            with_info(SecurityOptions=["name=seccomp", "name=rootless"], MemoryLimit=False, PidsLimit=False),
            "Docker Engine runs rootless",
        ),
        (replace(with_info(SecurityOptions=["name=selinux"]), selinux=True), "SELinux is enforcing"),
        (with_info(MemoryLimit=False), "its kernel cannot limit a container's memory"),
        (replace(GOOD, memory=399), "got 399 MiB of memory; expected at least 400 MiB"),
        (
            replace(GOOD, free={"/": 9000, "/data": 700}),
            "the disk is full: /data/docker has 700 MiB free; expected at least 856 MiB (2 images are missing)",
        ),
        (replace(GOOD, free={"/": 3, "/data": 900}), "the disk is full: /etc has 3 MiB free; expected at least 16 MiB"),
    ],
)
def test_each_missing_requirement_is_one_sentence(machine: Machine, sentence: str) -> None:
    [found] = problems(machine, missing_images=2)
    assert found.startswith(sentence)


@pytest.mark.parametrize(
    "machine",
    [
        with_info(SecurityOptions=["name=selinux"]),
        replace(GOOD, selinux=True),
        replace(GOOD, uid=1000, read_only=("/etc",)),
        replace(GOOD, free={}),
        Machine(),
    ],
)
def test_harmless_differences_are_accepted(machine: Machine) -> None:
    """SELinux matters if kernel and engine apply it; unknown values are accepted."""
    assert problems(machine, missing_images=1) == []


def programs(folder: Path, missing: str = "", **scripts: str) -> dict[str, str]:
    """A PATH with all of this machine's tools except one, and with the test's own scripts."""
    for tool in {*preflight.PACKAGES, "id", "cat", "readlink", "head", "sh"} - {missing}:
        (folder / tool).symlink_to(f"/usr/bin/{tool}")
    for name, text in {"docker": "exit 0", **scripts}.items():
        (folder / name).unlink(missing_ok=True)
        (folder / name).write_text(f"#!/bin/sh\n{text}\n")
        (folder / name).chmod(0o755)
    return {"PATH": str(folder)}


def read(path: dict[str, str]) -> Machine:
    done = subprocess.run(["/bin/sh", "-c", preflight.SCRIPT], env=path, capture_output=True, text=True, check=False)
    return parse(done.stdout.splitlines(), {})


@pytest.mark.parametrize("tool", sorted(preflight.PACKAGES))
def test_a_missing_command_is_noticed(tmp_path: Path, tool: str) -> None:
    found = read(programs(tmp_path, missing=tool))
    assert found.lacks == (tool,)
    assert found.busybox == ()


def test_a_machine_is_read(tmp_path: Path) -> None:
    found = read(programs(tmp_path))
    assert (found.lacks, found.busybox, found.docker, found.read_only) == ((), (), "", ())
    assert (found.memory > 0, "/" in found.free) == (True, True)


def test_a_find_without_printf_is_noticed(tmp_path: Path) -> None:
    assert read(programs(tmp_path, find="exit 1")).busybox == ("find",)


@pytest.mark.parametrize("there", ["script", "link"])
def test_podmans_docker_command_is_recognised(tmp_path: Path, there: str) -> None:
    path = programs(tmp_path, docker='exec /usr/bin/podman "$@"')
    if there == "link":
        (tmp_path / "docker").rename(tmp_path / "podman")
        (tmp_path / "docker").symlink_to("podman")
    assert read(path).docker == "podman"


def test_an_engine_without_info_is_accepted() -> None:
    assert problems(parse(LINES, {}), missing_images=0) == []


@pytest.mark.parametrize(
    ("limit", "memory", "fits"),
    [(4096, 2998, 2304), (4096, 3900, 3072), (4096, 7900, 4096), (4096, 960, 768), (512, 470, 384), (4096, 0, 4096)],
)
def test_limits_fit_the_machine(limit: int, memory: int, fits: int) -> None:
    assert fitting(limit, memory) == fits


@given(st.integers(64, 1 << 20), st.integers(1, 1 << 20))
def test_a_limit_never_grows_and_stays_within_the_machine(limit: int, memory: int) -> None:
    assert 0 < fitting(limit, memory) <= min(limit, memory + 512)
