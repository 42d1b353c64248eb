"""Components on this machine instead of a host, for tests and benchmarks: their files in a folder, their containers."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, cast

from rollcall.components.component import Context, HostFacts
from rollcall.components.resolver import Resolver
from rollcall.config.fleet import Fleet, Member
from rollcall.converge import docker_commands
from rollcall.converge.resources import Container, Directory, File, Resource
from rollcall.images.docker import docker
from rollcall.secrets.store import Secrets


def put(resources: Iterable[Resource], source: str, folder: Path) -> None:
    """Put what a deploy would put below `source` below a folder, with the same modes and owners. Needs root."""
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
    """Give the (first) container among a component's things."""
    return next(resource for resource in resources if isinstance(resource, Container))


def run(wanted: Container, labels: Mapping[str, str]) -> str:
    """Run a container by the very command that a deploy gives, and give its id.

    It has these labels and none of a deploy's, so that no deploy takes it for its own.

    Raises:
        RollcallError: it does not start.
    """
    _, verb, *arguments = (one for one in docker_commands.run_arguments(wanted) if not one.startswith("--label="))
    marks = [f"--label={key}={value}" for key, value in labels.items()]
    return docker(verb, *marks, *arguments, doing=f"start {wanted.name}")


def context(fleet: Fleet, member: Member, secrets: Secrets | None, **facts: Any) -> Context:
    """Return what a component is a function of, on a plain host but for these facts; some need no secrets."""
    plain = {"bridge": "172.17.0.1", "bridge_interface": "docker0", "resolver": Resolver(""), "socket_group": 0}
    return Context(fleet, member, HostFacts(**{**plain, **facts}), cast(Secrets, secrets))
