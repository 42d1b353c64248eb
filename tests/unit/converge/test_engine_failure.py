"""The error for an unusable engine, from a real shell on hosts that lack one thing each."""

import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from rollcall.converge import engine_failure

DOWN = "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?"
DENIED = "permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock"


def explained(folder: Path, words: str, programs: tuple[str, ...], function: str = engine_failure.FUNCTION) -> str:
    """Run the function where only these programs are installed."""
    for program in programs:
        (folder / program).write_text("#!/bin/sh\n")
        (folder / program).chmod(0o755)
    for tool in ("grep", "ls", "head", "id", "readlink"):
        (folder / tool).symlink_to(f"/usr/bin/{tool}")
    script = function.replace("PATH=$PATH:/usr/sbin:/sbin", ":") + 'explain_docker "$1"'
    done = subprocess.run(
        ["/bin/sh", "-c", script, "sh", words], env={"PATH": str(folder)}, capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    return done.stdout.strip()


def at(folder: Path, changed: Mapping[str, str]) -> str:
    """The function with paths other than this machine's."""
    found = engine_failure.FUNCTION
    for old, new in changed.items():
        assert old in found
        found = found.replace(old, str(folder / new))
    return found


@pytest.mark.parametrize(
    ("words", "programs", "sentence"),
    [
        ("", (), "Docker Engine is not installed; install it"),
        ("", ("podman",), "Docker Engine is not installed, and Podman does not replace it; install it"),
        ("", ("dockerd",), "Docker Engine is installed, but the docker command is missing; install docker-cli"),
        (DOWN, ("docker", "dockerd"), f"Docker Engine does not run ({DOWN}); start it: systemctl enable --now docker"),
        (DOWN, ("docker",), "the docker command is there, but Docker Engine is not installed; install it"),
        (
            DENIED,
            ("docker", "dockerd"),
            "root has no permission for Docker's socket (/nowhere/docker.sock)",
        ),
        ("too old", ("docker", "dockerd"), "Docker Engine cannot be used: too old"),
        ("level=warning\nlevel=error\ntoo old", ("docker", "dockerd"), "Docker Engine cannot be used: too old"),
        ("", ("docker", "dockerd"), "Docker Engine cannot be used: the docker command fails and prints nothing"),
    ],
)
def test_what_is_missing_is_named(tmp_path: Path, words: str, programs: tuple[str, ...], sentence: str) -> None:
    elsewhere = at(tmp_path, {"/proc/[0-9]*/comm": "comm"}).replace("/var/run/docker.sock", "/nowhere/docker.sock")
    found = explained(tmp_path, words, programs, elsewhere)
    assert found.startswith(sentence)
    assert "\n" not in found


def test_podmans_docker_command_is_named_whatever_it_printed(tmp_path: Path) -> None:
    """As in Debian's package podman-docker."""
    (tmp_path / "docker").write_text('#!/bin/sh\nexec /usr/bin/podman "$@"\n')
    words = "Emulate Docker CLI using podman.\nError: configure storage"
    programs = tmp_path / "programs"
    programs.mkdir()
    (tmp_path / "docker").chmod(0o755)
    (programs / "docker").symlink_to(tmp_path / "docker")
    assert explained(programs, words, ("podman",)) == engine_failure.PODMAN


def test_an_engine_that_runs_without_the_docker_command(tmp_path: Path) -> None:
    (tmp_path / "comm").write_text("dockerd\n")
    found = explained(tmp_path, "", ("dockerd",), at(tmp_path, {"/proc/[0-9]*/comm": "comm"}))
    assert found.startswith("Docker Engine runs, but the docker command is missing; install docker-cli")


def test_a_rootless_engine_is_recognised(tmp_path: Path) -> None:
    (tmp_path / "user").mkdir()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "user/docker.sock"))
        places = {"/run/user/*/docker.sock": "user/docker.sock", "/var/run/docker.sock": "docker.sock"}
        found = explained(tmp_path, DOWN, ("docker", "dockerd"), at(tmp_path, places))
    assert found.startswith("Docker Engine runs rootless")
