"""Plan the change of one container: create, replace, take over, finish, start or unpause it."""

from collections.abc import Iterable, Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any

from rollcall.converge import container_inspect
from rollcall.converge.changes import Action, Change, Difference, field_differences
from rollcall.converge.docker_query import Document
from rollcall.converge.host_state import HostState
from rollcall.converge.resources import Container, Resource
from rollcall.errors import RollcallError

UNKNOWN_IMAGE = (
    "the new image is not on this host yet: the command, environment, user and exposed ports that it brings are unknown"
)


def container_change(resource: Container, state: HostState) -> Change | None:
    """Return the change of a container; None if it runs as desired.

    Raises:
        RollcallError: a foreign container has its name, or another program listens on one of its ports.
    """
    for name in (resource.name, resource.retired) if resource.readiness_command else (resource.name,):
        if name in state.engine.containers and name not in state.engine.managed:
            raise RollcallError(
                f"a container named {name} exists already and is not Rollcall's; "
                f"rename or remove it: docker rm -f {name}"
            )
    document = state.engine.containers.get(resource.name)
    if resource.readiness_command and resource.retired in state.engine.managed:
        return _interrupted(resource, document, state)
    if document is None:
        _check_ports(resource, state)
        return Change("create", resource)
    if differences := _container_differences(resource, document, state):
        action: Action = "take over" if _hands_over(resource, document) else "replace"
        unknown = "" if resource.image in state.engine.images else UNKNOWN_IMAGE
        return Change(action, resource, differences, unknown=unknown)
    status = document["State"]
    return None if resource.on_call else _to_run(resource, status)


def _to_run(resource: Container, status: Mapping[str, Any]) -> Change | None:
    if status.get("Paused"):
        return Change("unpause", resource, (Difference("state", "paused", "running"),))
    if not status.get("Running") and not status.get("Restarting"):
        return Change("start", resource, (Difference("state", str(status.get("Status")), "running"),))
    return None


def _interrupted(resource: Container, document: Document | None, state: HostState) -> Change:
    """Continue an interrupted takeover; skip the port check, since the predecessor may hold the ports."""
    begun = Difference("takeover", "interrupted", "finished")
    if document is None:
        return Change("take over", resource, (begun,))
    differences = _container_differences(resource, document, state)
    return Change("take over" if differences else "finish", resource, (begun, *differences))


def _hands_over(resource: Container, document: Document) -> bool:
    """Return whether the existing container can hand over: it runs and has a readiness command."""
    status = document["State"]
    runs = status.get("Running") and not status.get("Restarting") and not status.get("Paused")
    return bool(resource.readiness_command and runs and container_inspect.READINESS_LABEL in _labels(document))


def _labels(document: Document) -> Mapping[str, str]:
    return (document.get("Config") or {}).get("Labels") or {}


def read_edited(resource: Resource, edited: Iterable[str], state: HostState) -> Change | None:
    """Replace a container that started with a file edited by hand: it would not read the corrected file.

    A file that a deploy wrote is older than the container that this deploy created for it. A file that is a mount by
    itself stays as edited in the container, since the correction is another inode.
    """
    if not isinstance(resource, Container):
        return None
    document = state.engine.containers[resource.name]
    created, started = (
        datetime.fromisoformat(text).timestamp() for text in (document["Created"], document["State"]["StartedAt"])
    )
    folders = tuple(f"{mount.source}/" for mount in resource.mounts)
    files = {mount.source for mount in resource.mounts}
    for path in edited:
        modified = state.files[path].modified
        if created < modified and (path in files or (path.startswith(folders) and modified < started)):
            action: Action = "take over" if _hands_over(resource, document) else "replace"
            return Change(action, resource, (Difference("configuration", f"{path} as edited by hand", "as it was"),))
    return None


def _check_ports(resource: Container, state: HostState) -> None:
    for address, port in resource.listens:
        if state.listens(address, port):
            raise RollcallError(
                f"port {port} at {address or 'every address'}, which {resource.name} needs, is taken by another "
                f"program; stop that program (ss -ltnp 'sport = {port}' names it) or set another port"
            )


def _container_differences(resource: Container, document: Document, state: HostState) -> tuple[Difference, ...]:
    running, wanted = document.get("Image"), state.engine.images.get(resource.image, {})
    networks = state.engine.networks
    found = container_inspect.container(document, state.engine.images.get(str(running)), networks, resource)
    differences = [
        difference
        for field in fields(Container)
        for difference in field_differences(field.name, getattr(found, field.name), getattr(resource, field.name))
    ]
    if running != wanted.get("Id") and resource.image == found.image:
        old, new = (str(identity or "not on this host")[:19] for identity in (running, wanted.get("Id")))
        differences.append(Difference("image id", old, new))
    if not differences:
        label = _labels(document).get(container_inspect.SPEC_LABEL, "none")
        # A field that Docker does not keep, such as the image's source, shows only in the digest.
        differences.extend(field_differences("spec", label, resource.spec))
    return tuple(differences)
