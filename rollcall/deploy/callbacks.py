"""Run commands from callbacks on a host, with the privileges that pyinfra gives only its own operations and facts."""

import base64
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import gevent
from gevent.lock import BoundedSemaphore
from paramiko import ChannelException, SSHException
from pyinfra import logger
from pyinfra.api import FunctionCommand, StringCommand
from pyinfra.api.arguments import auth_argument_meta, pop_global_arguments
from pyinfra.api.host import Host
from pyinfra.api.state import State
from pyinfra.connectors.util import CommandOutput

from rollcall import crash_report
from rollcall.contract.timeouts import stretched
from rollcall.converge import docker_commands
from rollcall.errors import RollcallError

# Commands at a time over a host's one connection, by its name. sshd opens ten sessions (MaxSessions in sshd_config(5)),
# and counts one for a moment after its command has ended.
MOST_SESSIONS = 5
_sessions: defaultdict[str, BoundedSemaphore] = defaultdict(lambda: BoundedSemaphore(MOST_SESSIONS))
# How long a command waits for a session where sshd allows fewer.
SESSION_SECONDS = 60.0
_POLL_SECONDS = 0.2


def command(function: Callable[..., bool], *arguments: object) -> FunctionCommand:
    """Let pyinfra call a function with its state, the host, and these arguments.

    An exception fails the host with one sentence; pyinfra would print a traceback.
    """

    def guarded(state: State, host: Host) -> bool:
        try:
            return function(state, host, *arguments)
        except RollcallError as problem:
            logger.error(f"{host.print_prefix}{problem}")
        except Exception as error:
            logger.error(f"{host.print_prefix}{crash_report.sentence(error)}")
        return False

    return FunctionCommand(guarded, (), {})


def run(host: Host, command: str, stdin: str = "") -> tuple[bool, CommandOutput]:
    """Run a command, with sudo if the inventory or pyinfra's own command line requests it.

    Raises:
        RollcallError: the connection was lost, or sshd opens no session.
    """
    arguments, _ = pop_global_arguments(host.state, host, {})
    rights = {key: value for key, value in arguments.items() if key in auth_argument_meta}
    # pyinfra sends an empty standard input as one line, so pass none at all.
    given = {"_stdin": stdin} if stdin else {}
    with _sessions[host.name]:
        return _in_a_session(host, partial(host.run_shell_command, StringCommand(command), **rights, **given))


def _in_a_session(host: Host, command: Callable[[], tuple[bool, CommandOutput]]) -> tuple[bool, CommandOutput]:
    end = time.monotonic() + stretched(SESSION_SECONDS)
    while True:
        try:
            return command()
        except (OSError, EOFError, SSHException) as problem:
            if not _is_refused_session(problem):
                reason = str(problem) or "it closed"
                raise RollcallError(f"the connection was lost ({reason}); run the same command again") from None
            if time.monotonic() > end:
                raise RollcallError(
                    f"sshd of {host.name} opened no session within {stretched(SESSION_SECONDS):g} s; "
                    "run the same command again, or raise MaxSessions in its sshd_config"
                ) from None
        gevent.sleep(_POLL_SECONDS)


def _is_refused_session(problem: Exception) -> bool:
    """Whether sshd opened no session, so that the command did not begin."""
    # Where several are refused at once, paramiko's Transport.open_channel() has the reason of only one of them.
    return isinstance(problem, ChannelException) or str(problem) == "Unable to open channel."


@dataclass(frozen=True)
class Files:
    """An archive of files, which may be secret, and the markers to create before it is extracted."""

    archive: bytes = field(repr=False)
    marks: tuple[str, ...]


def put_files(state: State, host: Host, files: Files) -> bool:
    """Write files on a host through standard input.

    An upload by a user other than root would leave them in the temporary directory, readable by everyone.
    """
    done, output = run(
        host, docker_commands.receive(len(files.archive), files.marks), base64.b64encode(files.archive).decode()
    )
    if not done:
        logger.error(f"{host.print_prefix}the files could not be written: {output.stderr.strip()}")
    return done
