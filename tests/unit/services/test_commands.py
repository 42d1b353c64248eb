"""The shell commands of a release, run by a shell with a docker that keeps its containers in files."""

import subprocess
from pathlib import Path

import pytest

from rollcall.services import commands

# Containers are files of a folder; the name of a failing subcommand is in $FAIL.
DOCKER = """#!/bin/sh
echo "$*" >>"$LOG"
for last; do :; done
[ "$FAIL" != "$1" ] || exit 1
case $1 in
  inspect) [ -e "$AT/$last" ] || exit 1; echo false ;;
  stop|update|start) [ -e "$AT/$last" ] ;;
  rm) rm "$AT/$last" ;;
  rename) [ ! -e "$AT/$3" ] && mv "$AT/$2" "$AT/$3" ;;
esac
"""


class Docker:
    def __init__(self, folder: Path) -> None:
        self.at = folder / "containers"
        self.at.mkdir()
        self.log = folder / "log"
        (folder / "docker").write_text(DOCKER)
        (folder / "docker").chmod(0o755)
        self.path = f"{folder}:/usr/bin:/bin"

    def __call__(self, command: str, fail: str = "") -> bool:
        environment = {"PATH": self.path, "LOG": str(self.log), "AT": str(self.at), "FAIL": fail}
        return subprocess.run(["sh", "-c", command], env=environment, check=False).returncode == 0

    @property
    def containers(self) -> set[str]:
        return {file.name for file in self.at.iterdir()}

    def add(self, *names: str) -> None:
        for name in names:
            (self.at / name).touch()


@pytest.fixture
def docker(tmp_path: Path) -> Docker:
    return Docker(tmp_path)


def test_taking_out_a_container_twice_is_fine(docker: Docker) -> None:
    docker.add("shop-1", "shop-2")
    assert docker(commands.take_out("shop-1"))
    assert docker(commands.take_out("shop-1"))
    assert docker.containers == {"shop-2"}


def test_a_container_that_cannot_be_removed_is_a_failure(docker: Docker) -> None:
    docker.add("shop-1")
    assert not docker(commands.take_out("shop-1"), fail="rm")


def test_a_failed_container_takes_the_place_of_an_earlier_one(docker: Docker) -> None:
    docker.add("shop-1", "shop-1-next", "shop-failed")
    assert docker(commands.keep_failed("shop-1-next", "shop-failed"))
    assert docker.containers == {"shop-1", "shop-failed"}
    log = docker.log.read_text()
    assert 0 <= log.index("stop shop-1-next") < log.index("update --restart=no shop-1-next")


def test_a_stopped_container_starts_with_its_restart_policy(docker: Docker) -> None:
    docker.add("shop-1")
    assert docker(commands.start("shop-1", "always"))
    assert docker.log.read_text().splitlines()[0] == "update --restart=always shop-1"
    assert docker.log.read_text().splitlines()[-1] == "start shop-1"


def test_an_engine_that_does_not_respond_is_no_host_without_containers(docker: Docker) -> None:
    assert not docker(commands.inspect(["shop-1"]), fail="info")
    assert docker(commands.inspect(["shop-1"]))
