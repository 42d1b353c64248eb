"""Run components on this machine instead of a host, for tests and benchmarks."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, cast

from rollcall import command
from rollcall.components.component import Context, HostFacts
from rollcall.components.resolver import Resolver
from rollcall.config.fleet import Fleet, Member
from rollcall.converge import docker_commands
from rollcall.converge.resources import Container, Directory, File, Resource
from rollcall.errors import RollcallError
from rollcall.images.docker import docker
from rollcall.secrets.store import Secrets


def put(resources: Iterable[Resource], source: str, folder: Path) -> None:
    """Write the files that a deploy writes below `source` into a folder, with the same modes and owners. Needs root."""
    for resource in resources:
        if not isinstance(resource, File | Directory):
            continue
        path = folder / resource.path.removeprefix(source).lstrip("/")
        if isinstance(resource, Directory):
            path.mkdir(parents=True, exist_ok=True)
        else:
            path.write_text(resource.text)
        path.chmod(resource.mode)
        os.chown(path, *(int(number) for number in resource.owner.split(":")))


def container(resources: Iterable[Resource]) -> Container:
    """Return the (first) container among a component's resources."""
    return next(resource for resource in resources if isinstance(resource, Container))


def run(wanted: Container, labels: Mapping[str, str]) -> str:
    """Run a container with the same command as a deploy, and return its id.

    It has only these labels and none of a deploy's, so that no deploy treats it as its own.

    Raises:
        RollcallError: it does not start.
    """
    _, verb, *arguments = (
        argument for argument in docker_commands.run_arguments(wanted) if not argument.startswith("--label=")
    )
    own_labels = [f"--label={key}={value}" for key, value in labels.items()]
    try:
        return docker(verb, *own_labels, *arguments, doing=f"start {wanted.name}")
    except RollcallError:
        # Docker keeps a container that it could not start. Without --force a running one of that name stays.
        command.attempt(["docker", "rm", "--volumes", wanted.name])
        raise


def context(fleet: Fleet, member: Member, secrets: Secrets | None, **facts: Any) -> Context:
    """Return a component's inputs on a default host with these facts; some components need no secrets."""
    plain = {"bridge": "172.17.0.1", "bridge_interface": "docker0", "resolver": Resolver(""), "socket_group": 0}
    return Context(fleet, member, HostFacts(**{**plain, **facts}), cast(Secrets, secrets))
