"""Run a command on a host, over SSH or locally, as root, with sudo if the inventory requires it."""

import shlex
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from rollcall import program_output
from rollcall.config.inventory import Host
from rollcall.contract.timeouts import stretched
from rollcall.errors import RollcallError
from rollcall.remote import login, ssh

TIMEOUT_SECONDS = 30
# ssh's own exit code if it cannot connect or loses the connection.
DISCONNECTED = 255


@dataclass(frozen=True)
class Result:
    """The result of a command that ran to its end."""

    code: int
    output: str
    errors: str

    @property
    def reason(self) -> str:
        """The line that explains the failure."""
        return program_output.reason(self.errors, self.output) or f"exit code {self.code}"


class Shell:
    """Run commands on one host.

    Args:
        host: the host.
        options: ssh options in addition to the inventory's.
        as_root: run with root's rights, otherwise with those of the user who logs in.
        detached: detach the commands from the terminal, so that Ctrl-C does not reach them.
    """

    def __init__(
        self, host: Host, options: Sequence[str] = (), *, as_root: bool = True, detached: bool = False
    ) -> None:
        """Take the host and the options; connect later."""
        self.host = host
        self._sudo = ("sudo", "-H", "-n") if as_root and host.sudo else ()
        self._options = tuple(options)
        self._detached = detached

    def arguments(self, command: str) -> list[str]:
        """Return the argument list of the process that runs a shell command there."""
        there = [*self._sudo, "sh", "-c", command]
        return there if self.host.connector == "local" else ssh.arguments(self.host, shlex.join(there), self._options)

    def run(self, command: str, stdin: str = "", timeout_seconds: float = TIMEOUT_SECONDS) -> Result:
        """Run a shell command, wait until it exits, and return its result, also if it failed.

        Raises:
            RollcallError: it could not run, or did not exit in time.
        """
        timeout_seconds = stretched(timeout_seconds)
        with subprocess.Popen(
            self.arguments(command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=self._detached,
        ) as process:
            try:
                output, errors = process.communicate(stdin.encode(), timeout_seconds)
            except BaseException as error:
                process.kill()
                if not isinstance(error, subprocess.TimeoutExpired):
                    raise
                raise RollcallError(f"{self.host.name} did not respond within {timeout_seconds:g} s") from None
        # Text mode would change line ends.
        result = Result(process.returncode, output.decode(errors="replace"), errors.decode(errors="replace"))
        self._check_that_it_ran(result)
        return result

    def read(self, command: str, stdin: str = "", timeout_seconds: float = TIMEOUT_SECONDS) -> str:
        """Run a shell command and return its output.

        Raises:
            RollcallError: it failed, could not run, or did not exit in time.
        """
        result = self.run(command, stdin, timeout_seconds)
        if result.code != 0:
            raise RollcallError(f"on {self.host.name}: {result.reason}")
        return result.output

    def _check_that_it_ran(self, result: Result) -> None:
        if result.code == 0:
            return
        if self.host.connector == "ssh" and result.code == DISCONNECTED:
            name, line = self.host.name, ssh.shown(self.host)
            raise RollcallError(f"ssh to {name} failed: {result.reason.rstrip('.')}; try `{line}`")
        if sentence := login.refusal(self.host, result.errors):
            raise RollcallError(f"{self.host.name}: {sentence}")


@contextmanager
def connected(host: Host, sockets: str) -> Iterator[Shell]:
    """Open a shell whose commands share one connection, which the first one opens; Ctrl-C does not reach them.

    Args:
        host: the host.
        sockets: a directory that only this user can open.
    """
    options = ["-o", "ControlMaster=auto", "-o", f"ControlPath={sockets}/%C", "-o", "ControlPersist=60"]
    try:
        yield Shell(host, options, detached=True)
    finally:
        if host.connector == "ssh":
            end = ["ssh", "-O", "exit", *options, *ssh.options(host), host.hostname]
            subprocess.run(end, capture_output=True, check=False)
