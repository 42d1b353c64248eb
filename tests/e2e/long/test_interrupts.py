"""Ctrl-C in the middle of a deploy or a rotation: one sentence at once, and the same command finishes."""

import signal

import interactive
import pytest
from deployed import BACKENDS, LAB, Fleet, answering, rollcall, wait_for

SENTENCE = "rollcall: interrupted; run the same command again to finish"


def interrupt_at(mark: str, *arguments: str) -> tuple[int, str]:
    """Press Ctrl-C when a line with this mark is printed; give the exit code and what was printed after it."""
    with interactive.started(*arguments) as process:
        assert any(mark in line for line in interactive.lines(process)), f"it never came to {mark}"
        interactive.send(process, signal.SIGINT)
        said, _ = process.communicate(timeout=60)
    return process.returncode, said


@pytest.mark.parametrize("mark", ["Loading inventory", "Preparing operation", "Starting operation: Services"])
def test_the_same_command_finishes_a_deploy_after_ctrl_c(fleet: Fleet, mark: str) -> None:
    fleet.on("app1", "docker rm --force webserver-1 nginx-1")
    code, said = interrupt_at(mark, "deploy", LAB)
    assert code == 130
    assert said.rstrip().endswith(SENTENCE)
    assert "Traceback" not in said
    rollcall("deploy", LAB)
    assert fleet.deploy().changed == set()
    wait_for("answer of every backend", lambda: answering() == BACKENDS, 60)


@pytest.mark.parametrize("step", ["1/3", "2/3", "3/3"])
def test_the_same_command_finishes_a_rotation_after_ctrl_c(fleet: Fleet, step: str) -> None:
    code, said = interrupt_at(step, "rotate", LAB, "tokens")
    assert code == 130
    assert said.rstrip().endswith(SENTENCE)
    assert said.count(SENTENCE) == 1
    assert "Traceback" not in said
    rollcall("rotate", LAB, "tokens")
    assert fleet.secrets().unfinished == ()
    assert fleet.deploy().changed == set()
