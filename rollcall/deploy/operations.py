"""Turn planned changes into commands: pyinfra operations that know no product."""

import time
from collections.abc import Callable, Collection, Generator, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from gevent.lock import BoundedSemaphore
from pyinfra import host, logger
from pyinfra import state as run
from pyinfra.api import operation
from pyinfra.api.command import PyinfraCommand
from pyinfra.api.host import Host
from pyinfra.api.state import State

from rollcall.converge import docker_commands, takeover
from rollcall.converge.changes import Change
from rollcall.converge.notifications import notifications
from rollcall.converge.resources import AbsentFile, Container, Directory, File, LeadingLine, Network, Volume
from rollcall.deploy import callbacks
from rollcall.deploy.readiness import Readiness
from rollcall.deploy.trial import Trial
from rollcall.errors import RollcallError
from rollcall.secrets.private_directory import PrivateDirectory

# Names of operations of every run.
EVERY_HOST_HAS_ITS_IMAGES = "Every host has its images"
CLIENTS_COME_AFTER_SERVERS = "Clients come after servers"

Commands = Generator[str | PyinfraCommand, None, None]

_POLL_SECONDS = 0.5
# Changes already announced at the prepare stage are not repeated at execution.
_announced: set[tuple[str, str]] = set()


@operation()
def keep_secrets(directory: PrivateDirectory) -> Commands:
    """Write new secrets to the control machine; the first host does it for all."""
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
    """Make the planned changes, and log the differences of each."""
    yield from _converge(changes)


@operation()
def converge_after_trial(changes: Sequence[Change], trial: Trial, readiness: Readiness) -> Commands:
    """Make the planned changes on one of several hosts, and on the others once it is ready."""
    if run.is_executing:
        check, refuse = callbacks.command(readiness), partial(callbacks.command, _refuse)
        yield from trial.commands(host.name, _converge(changes), check, refuse)
    else:
        yield from _converge(changes)


class Turn:
    """Hosts that change one at a time, and no longer after one has failed, here or in the turn before this."""

    def __init__(self, after: "Turn | None" = None) -> None:
        """Create a turn that no host holds."""
        self.free = BoundedSemaphore()
        self.waiting: set[str] = set()
        self._stopped = ""
        self._after = after

    @property
    def stopped(self) -> str:
        """Why no further host changes, or ""."""
        return self._stopped or (self._after.stopped if self._after else "")

    def stop(self, why: str) -> None:
        """Let no further host change; "" lets them again."""
        self._stopped = why


@operation()
def converge_in_turn(
    changes: Sequence[Change],
    turn: Turn,
    readiness: Readiness,
    may_begin: Readiness,
    is_last: Callable[[Host], bool],
) -> Commands:
    """Make the planned changes while no other host makes its own, and pass the turn on once the host is ready.

    Skip the last wait if the cluster was not ready before: then this change may be what makes it ready.

    Args:
        changes: what to change.
        turn: the hosts that change one at a time.
        readiness: what must be true again afterwards.
        may_begin: what must be true before.
        is_last: whether the host lets all others that wait go first.
    """
    yield from _in_turn(changes, turn, _converge_until_ready(changes, readiness, may_begin), is_last)


@operation()
def save_first(turn: Turn, save: Callable[[State, Host], bool], due: Callable[[], bool]) -> Commands:
    """Save something before the hosts of a turn change; if that fails, none of them does."""
    if due():
        turn.stop("Consul's state could not be saved")
        yield callbacks.command(save)
        turn.stop("")


@operation()
def leave_in_turn(changes: Sequence[Change], turn: Turn, leave: Callable[[State, Host], bool]) -> Commands:
    """Make a host leave a cluster while no other host changes, and then make its changes."""
    yield from _in_turn(changes, turn, _leave_and_converge(changes, leave))


@dataclass(frozen=True)
class Move:
    """What a member of a cluster does before and after it gets another address."""

    leave: Callable[[State, Host], bool]
    rejoin: Callable[[State, Host], bool]


@operation()
def move_in_turn(changes: Sequence[Change], turn: Turn, move: Move, is_last: Callable[[Host], bool]) -> Commands:
    """Make a host leave a cluster, make its changes, and let it join again, while no other host changes."""
    yield from _in_turn(changes, turn, _leave_and_return(changes, move), is_last)


@operation()
def barrier() -> Commands:
    """Let no host go on before every host is here: pyinfra orders operations that only some hosts have by their place.

    That place counts the operations before, so a host with fewer of them would be ahead.
    """
    yield from ()


def _never(_host: Host) -> bool:
    return False


def _in_turn(
    changes: Sequence[Change], turn: Turn, commands: Commands, is_last: Callable[[Host], bool] = _never
) -> Commands:
    """Run a host's commands in its turn; at the prepare stage, where there are no turns, only the changes count."""
    if not run.is_executing:
        yield from _converge(changes)
        return
    turn.waiting.add(host.name)
    try:
        # In this order: the request lets the other hosts of the turn join it.
        while is_last(host) and len(turn.waiting) > 1 and not turn.stopped:
            time.sleep(_POLL_SECONDS)  # gevent lets other hosts continue meanwhile
        with turn.free:
            if turn.stopped:
                yield callbacks.command(_refuse, f"{turn.stopped}; fix it")
            turn.stop(f"{host.name} did not come back")  # until it succeeds; a failure ends this generator
            yield from commands
            turn.stop("")
    finally:
        turn.waiting.discard(host.name)


def _converge_until_ready(changes: Sequence[Change], readiness: Readiness, may_begin: Readiness) -> Commands:
    missing: list[str] = []
    yield callbacks.command(may_begin)
    yield callbacks.command(_find_missing, readiness, missing)
    yield from _converge(changes)
    if not missing:
        yield callbacks.command(readiness)


def _leave_and_converge(changes: Sequence[Change], leave: Callable[[State, Host], bool]) -> Commands:
    yield callbacks.command(leave)
    yield from _converge(changes)


def _leave_and_return(changes: Sequence[Change], move: Move) -> Commands:
    yield from _leave_and_converge(changes, move.leave)
    yield callbacks.command(move.rejoin)


@operation()
def hold_without_images(lacking: Collection[str]) -> Commands:
    """Stop before any change unless every host has its images.

    Args:
        lacking: names of the hosts that lacked images; complete once all hosts are prepared.
    """
    if failed := sorted(failed_host.name for failed_host in run.failed_hosts if failed_host.name in lacking):
        yield callbacks.command(_refuse, f"{', '.join(failed)} could not get every image; see the error above")


def _find_missing(state: State, host: Host, readiness: Readiness, missing: list[str]) -> bool:
    missing.extend(readiness.missing(host))
    return True


def _refuse(state: State, host: Host, why: str) -> bool:
    logger.error(f"{host.print_prefix}left as it is, since {why} and deploy again")
    return False


def _converge(changes: Sequence[Change]) -> Commands:
    announce(changes)
    pending = notifications(changes)
    yield from _put_files(
        [change.resource for change in changes if isinstance(change.resource, File | Directory)], pending.values()
    )
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
                command = _container_command(resource, change)
                given = docker_commands.run_input(resource)
                yield callbacks.command(_run_with_input, command, _Input(given)) if given else command
    yield from (docker_commands.notify(command, marker) for command, marker in pending.items())


@operation()
def remove(changes: Sequence[Change]) -> Commands:
    """Remove the resources of the planned changes, in their order."""
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
    """Wait for readiness, if the wait is due when pyinfra reaches it."""
    if due():
        yield callbacks.command(readiness)


def announce(changes: Iterable[object]) -> None:
    """Log each change once: at the prepare stage, or at execution if it was unknown then.

    At execution the images are on the host: they come before all other changes.
    """
    for change in changes:
        known = replace(change, unknown="") if isinstance(change, Change) else change
        key = (host.name, str(known))
        if key not in _announced:
            _announced.add(key)
            logger.info(f"{host.print_prefix}{known if run.is_executing else change}")


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


@dataclass(frozen=True)
class _Input:
    """A command's standard input, which may be secret."""

    text: str = field(repr=False)


def _run_with_input(_state: State, host: Host, command: str, given: _Input) -> bool:
    done, output = callbacks.run(host, command, given.text)
    if not done:
        logger.error(f"{host.print_prefix}{output.stderr.strip()}")
    return done


def _put_files(resources: Sequence[File | Directory], marks: Iterable[str]) -> Commands:
    """Send all files at once."""
    if resources:
        files = callbacks.Files(docker_commands.archive(resources, time.time()), tuple(marks))
        yield callbacks.command(callbacks.put_files, files)
