"""The commands by which a host notices that a new registrator, DNS forwarder or socket filter does its work."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from rollcall.components import registrator
from rollcall.config.fleet import Fleet
from rollcall.converge.resources import Container, Resource

Desired = Callable[[Fleet, str], dict[str, tuple[Resource, ...]]]
# An engine whose agent has the services of the file `services`; `docker run` and `docker rm` call what they are given.
DOCKER = """#!/bin/sh
echo "$*" >>calls
case "$*" in
  *deregister*) : >services ;;
  *agent/services*) cat services ;;
  inspect*) echo sha256:1 ;;
  *mountpoint*|*Mountpoint*) echo /volume ;;
  run*) sh ./starts "$@" ;;
  rm*) sh ./stops ;;
  *) sh ./reads ;;
esac
"""
REGISTERS = 'for word in "$@"; do case $word in SERVICE_1_ID=*) echo "\\"${word#*=}\\"" >services ;; esac; done; echo 1'


@pytest.fixture
def outcome(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, str]]:
    """Run a command beside an engine that does this; return its exit status and its last word."""
    monkeypatch.setattr(registrator, "TOKEN", str(tmp_path / "token"))
    monkeypatch.setattr(registrator, "TRIAL_LOOKS", 2)

    def run(command: str, *, starts: str = "true", stops: str = "true", reads: str = "true") -> tuple[int, str]:
        for name, text in {"docker": DOCKER, "starts": starts, "stops": stops, "reads": reads, "token": "t"}.items():
            (tmp_path / name).write_text(f"{text}\n")
        (tmp_path / "services").write_text("")
        (tmp_path / "docker").chmod(0o755)
        path = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
        done = subprocess.run(
            ["sh", "-c", command], cwd=tmp_path, env=path, capture_output=True, text=True, check=False
        )
        return done.returncode, done.stderr.strip().rpartition("\n")[2]

    return run


def trial(found: dict[str, tuple[Resource, ...]], name: str) -> str:
    every = [one for part in found.values() for one in part if isinstance(one, Container)]
    return next(one.trial_command for one in every if one.name == name)


@pytest.mark.parametrize(
    ("starts", "stops", "expected"),
    [
        (REGISTERS, ": >services", (0, "")),
        ("echo 1", "true", (1, "registrator does not register a container that starts")),
        (REGISTERS, "true", (1, "registrator does not deregister a container that has stopped")),
        ("echo no such image >&2; exit 125", "true", (125, "no such image")),
    ],
)
def test_a_registrator_works_if_a_container_comes_and_goes(
    fleet: Fleet,
    desired: Desired,
    outcome: Callable[..., tuple[int, str]],
    tmp_path: Path,
    starts: str,
    stops: str,
    expected: tuple[int, str],
) -> None:
    command = trial(desired(fleet, "app1"), "registrator")
    assert outcome(command, starts=starts, stops=stops) == expected
    assert (tmp_path / "services").read_text() == "", "nothing of it stays in the catalog"
    removals = [call for call in (tmp_path / "calls").read_text().splitlines() if call.startswith("rm ")]
    assert all("--volumes" in call for call in removals), "its image's volume goes with it"


@pytest.mark.parametrize("works", [True, False])
def test_a_forwarder_works_if_it_returns_consuls_servers(
    fleet: Fleet, desired: Desired, outcome: Callable[..., tuple[int, str]], tmp_path: Path, works: bool
) -> None:
    said = outcome(trial(desired(fleet, "app1"), "dns"), starts="exit 0" if works else "exit 2")
    assert said == ((0, "") if works else (1, "dns at 172.17.0.1 returns nothing for consul.service.consul"))
    assert "--dns 172.17.0.1 " in (tmp_path / "calls").read_text()


@pytest.mark.parametrize("works", [True, False])
def test_a_filter_works_if_docker_reads_through_it(
    fleet: Fleet, desired: Desired, outcome: Callable[..., tuple[int, str]], tmp_path: Path, works: bool
) -> None:
    said = outcome(trial(desired(fleet, "app1"), "socket-filter"), reads="exit 0" if works else "exit 1")
    why = "socket-filter does not pass on what the registrator reads from the engine"
    assert said == ((0, "") if works else (1, why))
    assert "--host unix:///volume/docker.sock ps" in (tmp_path / "calls").read_text()


def test_what_a_host_is_asked_replaces_no_container() -> None:
    assert Container("x", "x:1", "x", trial_command="true").spec == Container("x", "x:1", "x").spec
