"""Run commands from callbacks on a host, with the privileges that pyinfra gives only its own operations and facts."""

import base64
from collections.abc import Callable
from dataclasses import dataclass, field

from paramiko import SSHException
from pyinfra import logger
from pyinfra.api import FunctionCommand, StringCommand
from pyinfra.api.arguments import auth_argument_meta, pop_global_arguments
from pyinfra.api.host import Host
from pyinfra.api.state import State
from pyinfra.connectors.util import CommandOutput

from rollcall import crash_report
from rollcall.converge import docker_commands
from rollcall.errors import RollcallError


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
        RollcallError: the connection was lost.
    """
    arguments, _ = pop_global_arguments(host.state, host, {})
    rights = {key: value for key, value in arguments.items() if key in auth_argument_meta}
    # pyinfra sends an empty standard input as one line, so pass none at all.
    given = {"_stdin": stdin} if stdin else {}
    try:
        done, output = host.run_shell_command(StringCommand(command), **rights, **given)
    except (OSError, EOFError, SSHException) as problem:
        raise RollcallError(
            f"the connection was lost ({str(problem) or 'it closed'}); run the same command again"
        ) from None
    return done, output


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
