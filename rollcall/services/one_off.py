"""Build the command that runs something once in a new container of a service. No I/O."""

import shlex
from collections.abc import Sequence
from dataclasses import replace

from rollcall.converge import docker_commands
from rollcall.converge.resources import Container


def arguments(container: Container, name: str, command: Sequence[str], options: Sequence[str] = ()) -> list[str]:
    """Return the argument list of `docker run`: the service's image, environment, volumes and files, and no port.

    The container is none of Rollcall's to a deploy, and the registrator ignores it.

    Args:
        container: a container of the service.
        name: the new container's name.
        command: the command in it; empty for the service's own.
        options: more options of `docker run`.
    """
    once = replace(
        container,
        hostname=name,
        command=tuple(command) or container.command,
        environment=tuple({**dict(container.environment), "SERVICE_IGNORE": "true"}.items()),
        ports=(),
        exposed=(),
        restart="no",
    )
    return docker_commands.one_off_arguments(once, name, options)


def hook(container: Container, name: str, command: Sequence[str]) -> str:
    """Run a command of a release; one of an interrupted deploy that still runs must end first.

    With a secret environment, the command reads `docker_commands.run_input` from standard input.
    """
    word = shlex.quote(name)
    hint = f"{name} of an interrupted deploy still runs; wait for its end, or stop it: docker stop {name}"
    free = f"if docker inspect --type=container {word} >/dev/null 2>&1; then echo {shlex.quote(hint)}; exit 1; fi; "
    run = docker_commands.with_secret_environment(arguments(container, name, command), container)
    return f"{free}{run} 2>&1"
