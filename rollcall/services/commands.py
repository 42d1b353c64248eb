"""Build the shell command of each step of a release: pure functions, tested without a host."""

import shlex
from collections.abc import Iterable

from rollcall.components.services import NAME
from rollcall.converge import docker_commands
from rollcall.converge.container_inspect import SPEC_LABEL
from rollcall.converge.docker_query import LABEL
from rollcall.converge.resources import Container

# One line of JSON for each container that exists.
_FORMAT = (
    '{"name":{{json .Name}},"id":{{json .Id}},"state":{{json .State}},"restarts":{{json .RestartCount}},'
    '"image":{{json .Config.Image}},"created":{{json .Created}},'
    f'"spec":{{{{json (index .Config.Labels "{SPEC_LABEL}")}}}}'
    "}"
)
_INSPECT = f"docker inspect --type=container --format {shlex.quote(_FORMAT)}"
LOG_LINES = 15


def inspect(names: Iterable[str]) -> str:
    """Print the containers of these names; a missing one prints nothing."""
    return (
        "docker info >/dev/null 2>&1 || { echo 'the engine does not respond' >&2; exit 1; }; "
        f"date +%s.%N; {_INSPECT} {shlex.join(names)} 2>/dev/null || true"
    )


def inspect_all() -> str:
    """Print the containers of all services."""
    return (
        f"date +%s.%N; ids=$(docker ps --all --quiet --filter label={LABEL}={NAME}) || exit 1; "
        f'[ -z "$ids" ] || {_INSPECT} $ids 2>/dev/null || true'
    )


def run(container: Container, name: str) -> str:
    """Start the container under this name."""
    return f"{docker_commands.run(container, name)} >/dev/null"


def start(name: str, restart: str) -> str:
    """Start a container that stands still, with its restart policy back."""
    word = shlex.quote(name)
    return (
        f"docker update --restart={restart} {word} >/dev/null && "
        f'if [ "$(docker inspect --format "{{{{.State.Paused}}}}" {word})" = true ]; then docker unpause {word}; '
        f"else docker start {word}; fi >/dev/null"
    )


def take_out(name: str) -> str:
    """Stop and remove a container; one that is already gone is fine."""
    word = shlex.quote(name)
    return f"docker stop {word} >/dev/null 2>&1; docker rm --volumes {word} >/dev/null 2>&1; ! {exists(name)}"


def stop(name: str) -> str:
    """Stop a container for good: no restart of the engine starts it again."""
    word = shlex.quote(name)
    # Stopped first: Docker 20.10 refuses to update a container whose program exits at that moment.
    return f"docker stop {word} >/dev/null && docker update --restart=no {word} >/dev/null"


def rename(old: str, new: str) -> str:
    """Give a container another name."""
    return shlex.join(["docker", "rename", old, new])


def keep_failed(name: str, failed: str) -> str:
    """Stop a container and keep it under another name, in the place of an earlier one."""
    return f"{take_out(failed)}; {stop(name)} && {rename(name, failed)}"


def last_words(name: str) -> str:
    """Print the end of a container's log."""
    return f"docker logs --tail {LOG_LINES} {shlex.quote(name)} 2>&1"


def exists(name: str) -> str:
    """Succeed if the container exists."""
    return f"docker inspect --type=container {shlex.quote(name)} >/dev/null 2>&1"
