"""Commands that are ended in the middle, as their output tells where they are, and run again."""

import re
import signal
from collections.abc import Callable
from typing import Literal

import interactive
from deployed import wait_for

Outcome = Literal["ended", "refused", "done"]
# The lock of a killed command ends with its session; a host that restarts is back a moment later.
AGAIN_SECONDS = 120
# What a command may be refused for then.
HELD = "has been deploying this fleet since"
# What a command begins and what it has done, and those of pyinfra's steps that look at hosts or change them.
BEGINNINGS = ("…", "✓", "--> Preparing", "--> Starting operation")
INTERRUPTED = "interrupted; run the same command again to finish"


def ended_at(
    due: Callable[[str], bool], *arguments: str, by: signal.Signals = signal.SIGKILL, refusal: str = HELD
) -> Outcome:
    """Run a command, and end it with all of its processes at the first line that is due.

    Args:
        due: whether a line is.
        arguments: the command.
        by: the signal.
        refusal: a regular expression of what it may be refused for; it fails for nothing else.
    """
    said = []
    with interactive.started(*arguments) as process:
        for line in interactive.lines(process):
            said.append(line)
            if due(line):
                interactive.send(process, by)
                rest = process.communicate(timeout=60)[0]
                assert "Traceback" not in rest, rest
                assert by == signal.SIGKILL or INTERRUPTED in rest or process.returncode == 0, rest
                return "ended"
    if process.returncode != 0:
        assert re.search(refusal, " ".join("".join(said).split())), f"{arguments}: {''.join(said)}"
        return "refused"
    return "done"


def finish(*arguments: str, refusal: str = HELD) -> None:
    """Run the same command as a user does who sees that it may not begin yet, until it has succeeded."""
    wait_for("end", lambda: ended_at(lambda _: False, *arguments, refusal=refusal) == "done", AGAIN_SECONDS)


class Steps:
    """The steps of a command, as its lines tell them without their figures; each is due once."""

    def __init__(self) -> None:
        """Know no step yet."""
        self.found: list[str] = []

    def __call__(self, line: str) -> bool:
        """Whether a line tells a step that no run has been ended at."""
        step = re.sub(r"\(\d[\d.]* s\)", "", line).strip()
        is_due = step.startswith(BEGINNINGS) and step not in self.found
        if is_due:
            self.found.append(step)
        return is_due


def ended_at_every_step(*arguments: str, by: signal.Signals, refusal: str = HELD) -> list[str]:
    """Run a command again and again, each time up to the next step, until it ends by itself; return the steps."""
    steps = Steps()
    outcome = ""

    def is_over() -> bool:
        nonlocal outcome
        outcome = ended_at(steps, *arguments, by=by, refusal=refusal)
        return outcome != "refused"

    while outcome != "done":
        wait_for(f"run after {steps.found}", is_over, AGAIN_SECONDS)
    return steps.found
