"""Replacing a container while both run: a real shell runs the command against an engine made of files."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from rollcall.converge import takeover
from rollcall.converge.resources import Container

FRONT = Container(name="front", image="front:2", component="front", network="host", readiness_command=("front-health",))

# The engine's part. A container is a folder with its `image`, `restart` policy and, while it runs, `running`; `served`
# lists the images whose containers serve, `broken` those that the engine cannot start.
DOCKER = r"""#!/bin/sh
cd "$ENGINE" || exit 1
echo "$*" >>calls
for last; do :; done
case $1 in
    inspect | rm | stop | wait | start | update) [ -d "all/$last" ] || { echo "No such container" >&2; exit 1; } ;;
esac
case $1 in
    rename) [ -d "all/$2" ] && [ ! -d "all/$3" ] && mv "all/$2" "all/$3" ;;
    update) echo "${2#--restart=}" >"all/$last/restart" ;;
    start) touch "all/$last/running" ;;
    stop) rm -f "all/$last/running" ;;
    wait) rm "all/$last/running" ;;
    rm) rm -r "all/$last" ;;
    run)
        mkdir all/front && echo "$last" >all/front/image && echo always >all/front/restart
        if grep -q "$last" broken; then echo "no such device" >&2; exit 125; fi
        touch all/front/running ;;
    exec) [ -e "all/$2/running" ] || { echo "is not running"; exit 1; }
        grep -qf "all/$2/image" served || { echo "nginx does not answer"; exit 1; } ;;
    logs) echo "emerg: bind() failed" >&2 ;;
esac
"""


@dataclass(frozen=True)
class Engine:
    """The engine made of files."""

    folder: Path

    def has(self, name: str, image: str, restart: str = "always", *, running: bool = True) -> None:
        container = self.folder / "all" / name
        container.mkdir()
        (container / "image").write_text(f"{image}\n")
        (container / "restart").write_text(f"{restart}\n")
        if running:
            (container / "running").touch()

    def serves(self, *images: str) -> None:
        (self.folder / "served").write_text("".join(f"{image}\n" for image in images))

    def breaks(self, image: str) -> None:
        (self.folder / "broken").write_text(f"{image}\n")

    @property
    def containers(self) -> dict[str, tuple[str, str, bool]]:
        return {
            one.name: ((one / "image").read_text().strip(), (one / "restart").read_text().strip(), running(one))
            for one in (self.folder / "all").iterdir()
        }

    @property
    def calls(self) -> list[str]:
        return (self.folder / "calls").read_text().splitlines()

    def run(self, command: str) -> tuple[int, str]:
        path = f"{self.folder}:{os.environ['PATH']}"
        environment = {"PATH": path, "ENGINE": str(self.folder)}
        done = subprocess.run(
            ["sh", "-c", command], env=environment, cwd=self.folder, capture_output=True, text=True, check=False
        )
        return done.returncode, done.stderr


def running(container: Path) -> bool:
    return (container / "running").exists()


OLD = {"front": ("front:1", "always", True)}
NEW = {"front": ("front:2", "always", True)}


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    monkeypatch.setattr(takeover, "READY_TIMEOUT_SECONDS", 0)
    (tmp_path / "docker").write_text(DOCKER)
    (tmp_path / "docker").chmod(0o755)
    (tmp_path / "all").mkdir()
    made = Engine(tmp_path)
    made.serves()
    made.breaks("nothing")
    return made


def test_the_new_one_runs_before_the_old_one_is_gone(engine: Engine) -> None:
    engine.has("front", "front:1")
    engine.serves("front:1", "front:2")
    assert engine.run(takeover.take_over(FRONT)) == (0, "")
    assert engine.containers == NEW
    order = [call.split()[0] for call in engine.calls]
    assert order.index("rename") < order.index("update") < order.index("run") < order.index("exec")
    assert order.index("exec") < order.index("wait") < order.index("rm")
    assert "stop" not in order


def test_an_old_one_that_does_not_end_by_itself_is_stopped(engine: Engine) -> None:
    engine.has("front", "front:1", running=False)  # of which the engine of files says that it cannot be waited for
    engine.serves("front:2")
    assert engine.run(takeover.take_over(FRONT))[0] == 0
    assert engine.containers == NEW
    assert "stop front-retired" in engine.calls


def test_if_the_new_one_does_not_serve_the_old_one_is_restored_and_the_reason_printed(engine: Engine) -> None:
    engine.has("front", "front:1")
    engine.serves("front:1")
    code, said = engine.run(takeover.take_over(FRONT))
    assert code == 1
    assert engine.containers == OLD
    assert "the new front did not serve within 0 s (nginx does not answer); the old one is back" in said
    assert "emerg: bind() failed" in said
    assert "stop front-retired" not in engine.calls


def test_where_the_engine_cannot_start_the_new_one_the_old_one_is_as_before(engine: Engine) -> None:
    engine.has("front", "front:1")
    engine.serves("front:1", "front:2")
    engine.breaks("front:2")
    code, said = engine.run(takeover.take_over(FRONT))
    assert code == 1
    assert "no such device" in said
    assert engine.containers == OLD


def test_finished_by_another_deploy_in_the_meantime(engine: Engine) -> None:
    engine.has("front", "front:2")
    engine.serves("front:2")
    assert engine.run(takeover.finish(FRONT))[0] == 0
    assert engine.containers == NEW


def test_an_old_one_that_has_ended_when_the_new_one_fails_is_started_again(engine: Engine) -> None:
    engine.has("front-retired", "front:1", "no", running=False)
    engine.has("front", "front:2")
    assert engine.run(takeover.finish(FRONT))[0] == 1
    assert engine.containers == OLD


@pytest.mark.parametrize("restart", ["always", "no"])
def test_interrupted_before_the_new_one_was_there(engine: Engine, restart: str) -> None:
    engine.has("front-retired", "front:1", restart)
    engine.serves("front:1", "front:2")
    assert engine.run(takeover.take_over(FRONT)) == (0, "")
    assert engine.containers == NEW


@pytest.mark.parametrize(("serving", "code", "left"), [(("front:2",), 0, NEW), (("front:1",), 1, OLD)])
def test_interrupted_while_both_ran(
    engine: Engine, serving: tuple[str, ...], code: int, left: dict[str, tuple[str, str, bool]]
) -> None:
    engine.has("front-retired", "front:1", "no")
    engine.has("front", "front:2")
    engine.serves(*serving)
    assert engine.run(takeover.finish(FRONT))[0] == code
    assert engine.containers == left


@pytest.mark.parametrize("serving", [("front:2", "front:1b"), ("front:2", "front:1")])
def test_interrupted_and_then_something_else_was_wanted(engine: Engine, serving: tuple[str, ...]) -> None:
    engine.has("front-retired", "front:1", "no")
    engine.has("front", "front:1b")
    engine.serves(*serving)
    assert engine.run(takeover.take_over(FRONT))[0] == 0
    assert engine.containers == NEW


def test_what_a_user_sets_cannot_become_another_command(engine: Engine) -> None:
    evil = Container(
        name="front", image="front:2", component="x", readiness_command=("true; touch $ENGINE/evil", "$(id)")
    )
    engine.has("front", "front:1")
    engine.serves("front:2")
    assert engine.run(takeover.take_over(evil))[0] == 0
    assert not (engine.folder / "evil").exists()
    assert "exec front true; touch $ENGINE/evil $(id)" in engine.calls
