"""Run a template's check and reload, here or in the user's container."""

import subprocess
from typing import Literal, Protocol

from rollcall.contract.template_settings import Template
from rollcall.contract.timeouts import stretched

Purpose = Literal["check", "reload"]
# consul-template stops its own commands after 30 s, too.
TIMEOUT_SECONDS = stretched(30)


class CommandError(Exception):
    """A command failed; the message is its output."""


class NotRunningError(CommandError):
    """The container for the command does not run or does not exist."""


class Commands(Protocol):
    """Runs the commands of one template."""

    def run(self, purpose: Purpose) -> None:
        """Run one and wait for its end. Raises CommandError."""


class Here:
    """Run commands in this container: checks whose program is in its image, and services that detect changed files."""

    def __init__(self, template: Template) -> None:
        """Take the template's commands; run nothing yet."""
        self._commands: dict[Purpose, str] = {"check": template.check_command, "reload": template.reload}

    def run(self, purpose: Purpose) -> None:
        """Run one and wait for its end. Raises CommandError."""
        command = ["/bin/sh", "-c", self._commands[purpose]]
        try:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=TIMEOUT_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise CommandError(f"did not exit within {TIMEOUT_SECONDS:g} s") from None
        if done.returncode != 0:
            raise CommandError(worded(done.returncode, done.stdout))


def worded(status: int, output: bytes) -> str:
    """Format a failed command's output as one line."""
    lines = [line.strip() for line in output.decode(errors="replace").splitlines() if line.strip()]
    # The first errors show the cause, the last mostly its consequences.
    return f"exit status {status}" + (f": {' | '.join(lines)[:800]}" if lines else "")
