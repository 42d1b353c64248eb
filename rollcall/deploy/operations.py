"""pyinfra operations: planned changes in, commands out. Nothing here knows what Consul is."""

import time
from collections.abc import Callable, Collection, Generator, Iterable, Sequence

from gevent.lock import BoundedSemaphore
from pyinfra import host, logger
from pyinfra import state as run
from pyinfra.api import operation
from pyinfra.api.command import PyinfraCommand
from pyinfra.api.host import Host
from pyinfra.api.state import State

from rollcall.converge import docker_commands, takeover
from rollcall.converge.plan import Change, notifications
from rollcall.converge.resources import AbsentFile, Container, Directory, File, LeadingLine, Network, Volume
from rollcall.deploy import callbacks
from rollcall.deploy.readiness import Readiness
from rollcall.errors import RollcallError
from rollcall.secrets.private_directory import PrivateDirectory

Commands = Generator[str | PyinfraCommand, None, None]

# What was said at the prepare stage need not be said again when it is done.
_announced: set[tuple[str, str]] = set()


@operation()
def keep_secrets(directory: PrivateDirectory) -> Commands:
    """Write to the control machine what was made for the hosts; the first host does it for all."""
    if directory.pending:
        yield callbacks.command(_commit, directory)


def _commit(state: State, host: Host, directory: PrivateDirectory) -> bool:
    try:
        directory.commit()
    except RollcallError as problem:
        logger.error(f"{host.print_prefix}{problem}")
        return False
    return True


@operation()
def converge(changes: Sequence[Change]) -> Commands:
    """Make the planned changes, saying of each what differs."""
    yield from _converge(changes)


class Turn:
    """Hosts of which only one at a time may change, and none after one that failed."""

    def __init__(self) -> None:
        """Nobody's turn yet."""
        self.free = BoundedSemaphore()
        self.failed = ""


@operation()
def converge_in_turn(changes: Sequence[Change], turn: Turn, readiness: Readiness) -> Commands:
    """Make the planned changes when no other host is making its own, and pass the turn on through a readiness.

    A readiness that was shut before is not waited for: then this change may be what opens it.
    """
    if not run.is_executing:
        yield from _converge(changes)
        return
    with turn.free:
        if turn.failed:
            yield callbacks.command(_refuse, f"{turn.failed} did not come back; mend that one")
        turn.failed = host.name  # until it is known to have gone well; a failure ends this generator
        missing: list[str] = []
        yield callbacks.command(_look, readiness, missing)
        yield from _converge(changes)
        if not missing:
            yield callbacks.command(readiness)
        turn.failed = ""


@operation()
def leave_in_turn(changes: Sequence[Change], turn: Turn, leave: Callable[[State, Host], bool]) -> Commands:
    """Let a host leave what it is one of, when no other host is changing there, and only then make its changes."""
    if not run.is_executing:
        yield from _converge(changes)
        return
    with turn.free:
        if turn.failed:
            yield callbacks.command(_refuse, f"{turn.failed} did not come back; mend that one")
        turn.failed = host.name
        yield callbacks.command(leave)
        yield from _converge(changes)
        turn.failed = ""


@operation()
def hold_without_images(lacking: Collection[str]) -> Commands:
    """Change no host unless every one that lacked images has got them.

    Args:
        lacking: names of the hosts that lacked some; complete once all hosts are prepared.
    """
    if failed := sorted(one.name for one in run.failed_hosts if one.name in lacking):
        yield callbacks.command(_refuse, f"{', '.join(failed)} could not get every image; see the error above")


def _look(state: State, host: Host, readiness: Readiness, missing: list[str]) -> bool:
    missing.extend(readiness.missing(host))
    return True


def _refuse(state: State, host: Host, why: str) -> bool:
    logger.error(f"{host.print_prefix}left as it is, since {why} and deploy again")
    return False


def _converge(changes: Sequence[Change]) -> Commands:
    announce(changes)
    pending = notifications(changes)
    yield from _put_files([c.resource for c in changes if isinstance(c.resource, File | Directory)], pending.values())
    for change in changes:
        resource = change.resource
        match resource:
            case Network():
                yield docker_commands.create_network(resource)
            case Volume():
                yield docker_commands.create_volume(resource)
            case LeadingLine():
                yield docker_commands.leading_line(resource)
            case AbsentFile():
                yield docker_commands.remove_file(resource)
            case Container():
                yield _container_command(resource, change)
    yield from (docker_commands.notify(command, marker) for command, marker in pending.items())


@operation()
def remove(changes: Sequence[Change]) -> Commands:
    """Remove what the planned changes name, in their order."""
    announce(changes)
    for change in changes:
        match change.resource:
            case Container() as resource:
                yield docker_commands.remove_container(resource)
            case Network() as resource:
                yield docker_commands.remove_network(resource)
            case Volume() as resource:
                yield docker_commands.remove_volume(resource)
            case File() | Directory() as resource:
                yield docker_commands.remove_file(resource)


@operation()
def wait(readiness: Readiness, due: Callable[[], bool]) -> Commands:
    """Wait at a readiness, if that is due when it is reached."""
    if due():
        yield callbacks.command(readiness)


def announce(changes: Iterable[object]) -> None:
    """Say of each change what it is, once: at the prepare stage, or where it was not known then."""
    for change in changes:
        key = (host.name, str(change))
        if key not in _announced:
            _announced.add(key)
            logger.info(f"{host.print_prefix}{change}")


def _container_command(container: Container, change: Change) -> str:
    match change.action:
        case "create":
            return docker_commands.run(container)
        case "replace":
            return docker_commands.replace(container)
        case "take over":
            return takeover.take_over(container)
        case "finish":
            return takeover.finish(container)
        case "unpause":
            return f"docker unpause {container.name}"
        case _:
            return f"docker start {container.name}"


def _put_files(resources: Sequence[File | Directory], marks: Iterable[str]) -> Commands:
    """Send all files at once."""
    if resources:
        files = callbacks.Files(docker_commands.archive(resources, time.time()), tuple(marks))
        yield callbacks.command(callbacks.put_files, files)
