"""A shell on each host, by testinfra: over SSH as the inventory says, or here."""

import shlex
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import testinfra.host
from testinfra.backend.base import CommandResult
from testinfra.backend.local import LocalBackend
from testinfra.backend.ssh import SshBackend

from rollcall.config.inventory import Host
from rollcall.errors import RollcallError
from rollcall.remote import ssh

# Stopping several containers one after the other, each ignoring its stop signal, is the longest of all.
COMMAND_SECONDS = 120


class _OwnSession:
    """Runs commands apart from the terminal: Ctrl-C ends a check, but not the command that puts things back."""

    def run_local(self, command: str, *args: str) -> CommandResult:
        """Run a command on this machine, as testinfra's own method does."""
        line = self.quote(command, *args)  # type: ignore[attr-defined]
        with subprocess.Popen(
            ["sh", "-c", line],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        ) as process:
            try:
                output, errors = process.communicate(timeout=COMMAND_SECONDS)
            except BaseException as error:
                process.kill()
                if not isinstance(error, subprocess.TimeoutExpired):
                    raise
                raise RollcallError(f"no answer within {COMMAND_SECONDS} s to: {command}") from None
        result: CommandResult = self.result(process.returncode, line.encode(), output, errors)  # type: ignore[attr-defined]
        return result


class _Ssh(_OwnSession, SshBackend):  # type: ignore[misc]
    pass


class _Local(_OwnSession, LocalBackend):  # type: ignore[misc]
    pass


@contextmanager
def shell(host: Host, sockets: str) -> Iterator[testinfra.host.Host]:
    """Open a shell on a host; `sockets` is a directory of this user's alone."""
    if host.connector == "local":
        yield testinfra.host.Host(_Local())
        return
    # The connection of the first command serves the following ones.
    shared = ["-o", "ControlMaster=auto", "-o", f"ControlPath={sockets}/%C", "-o", "ControlPersist=60"]
    options = [*shared, *ssh.options(host)]
    try:
        yield testinfra.host.Host(_Ssh(host.hostname, ssh_extra_args=shlex.join(options)))
    finally:
        subprocess.run(["ssh", "-O", "exit", *options, host.hostname], capture_output=True, check=False)
