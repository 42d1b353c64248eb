"""Commands that are ended in the middle, as their output tells where they are, and run again."""

import re
import signal
from collections.abc import Callable
from dataclasses import dataclass

import interactive
from deployed import wait_for

# The lock of a killed command ends with its session; a host that restarts is back a moment later.
AGAIN_SECONDS = 120
# What a command may be refused for then.
HELD = "has been deploying this fleet since|another deploy has changed this fleet since"
# What a command begins and what it has done, and those of pyinfra's steps that look at hosts or change them.
OPERATION = "--> Starting operation"
BEGINNINGS = ("…", "✓", "--> Preparing", OPERATION)
# The steps of a rotation; each has a deploy of its own.
PHASES = ("1/3", "2/3", "3/3")
# What an operation of pyinfra's has changed on a host: of a whole deploy's steps those that matter.
CHANGES = ("[",)
INTERRUPTED = "rollcall: interrupted; run the same command again to finish"


@dataclass(frozen=True)
class Run:
    """What became of a run: it was ended at a line, refused, or done; and what it printed from then on."""

    outcome: str
    printed: str

    @property
    def sentence(self) -> str:
        """Its last line."""
        return self.printed.rstrip().rpartition("\n")[2]


def ended_at(
    due: Callable[[str], bool], *arguments: str, by: signal.Signals = signal.SIGKILL, refusal: str = HELD
) -> Run:
    """Run a command, and end it with all of its processes at the first line that is due.

    Args:
        due: whether a line is.
        arguments: the command.
        by: the signal. After Ctrl-C the command prints one sentence, unless it was about to end.
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
                run = Run("ended", rest)
                assert by == signal.SIGKILL or process.returncode == 0 or run.sentence.startswith(INTERRUPTED), rest
                assert process.returncode in (0, -by if by == signal.SIGKILL else 130), rest
                return run
    if process.returncode != 0:
        assert re.search(refusal, " ".join("".join(said).split())), f"{arguments}: {''.join(said)}"
        return Run("refused", "".join(said))
    return Run("done", "".join(said))


def finish(*arguments: str, refusal: str = HELD) -> None:
    """Run the same command as a user does who sees that it may not begin yet, until it has succeeded."""
    wait_for("end", lambda: ended_at(lambda _: False, *arguments, refusal=refusal).outcome == "done", AGAIN_SECONDS)


class Steps:
    """The steps of a command, as its lines tell them without their figures and times; each is due once."""

    def __init__(self, beginnings: tuple[str, ...]) -> None:
        """Know no step yet; their lines have these beginnings."""
        self.found: list[str] = []
        self._beginnings = beginnings
        self._operation = ""
        self._phase = ""

    def __call__(self, line: str) -> bool:
        """Whether a line tells a step that no run has been ended at."""
        step = re.sub(r"\(\d[\d.]* s\)|\d{4}-\d\d-\d\dT\d+Z", "", line).strip()
        if step.startswith("--> "):
            self._operation = step.removeprefix(OPERATION).strip() if step.startswith(OPERATION) else ""
        if step.startswith(CHANGES):
            # What is said of hosts before the first operation is no change.
            step = f"{step} {self._operation}" if self._operation else ""
        if step.startswith(PHASES):
            self._phase = step.partition(" ")[0]
        elif self._phase and step:
            step = f"{step} in {self._phase}"
        is_due = step.startswith(self._beginnings) and step not in self.found
        if is_due:
            self.found.append(step)
        return is_due


def ended_at_every_step(
    *arguments: str, by: signal.Signals, refusal: str = HELD, beginnings: tuple[str, ...] = BEGINNINGS
) -> dict[str, str]:
    """Run a command again and again, each time up to the next step, until it ends by itself.

    Args:
        arguments: the command.
        by: the signal.
        refusal: a regular expression of what it may be refused for.
        beginnings: how the lines of its steps begin.

    Returns:
        The steps, each with the last line that the command printed after the signal.
    """
    steps = Steps(beginnings)
    found: dict[str, str] = {}
    run = Run("", "")

    def is_over() -> bool:
        nonlocal run
        run = ended_at(steps, *arguments, by=by, refusal=refusal)
        return run.outcome != "refused"

    while run.outcome != "done":
        wait_for(f"run after {steps.found}", is_over, AGAIN_SECONDS)
        if run.outcome == "ended":
            found[steps.found[-1]] = run.sentence
    return found
