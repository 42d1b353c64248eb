"""Plan the changes from a host's state to its desired resources, and describe each for the user."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime
from typing import Any, Literal

from rollcall.converge import container_inspect
from rollcall.converge.docker_query import LABEL, Document
from rollcall.converge.host_state import ROOT, HostState
from rollcall.converge.resources import AbsentFile, Container, Directory, File, LeadingLine, Network, Resource, Volume
from rollcall.errors import RollcallError

UNKNOWN_IMAGE = (
    "the new image is not on this host yet: the command, environment, user and exposed ports that it brings are unknown"
)

Action = Literal["create", "replace", "take over", "finish", "start", "unpause", "write", "remove"]


@dataclass(frozen=True)
class Difference:
    """One field of a resource: its actual and its desired value."""

    field: str
    old: str
    new: str

    def __str__(self) -> str:
        """Return the text that a dry run prints."""
        return f"{self.field}: {self.old} → {self.new}"


# What people read for a type whose name is not the word for it.
_KINDS: Mapping[type, str] = {LeadingLine: "first line of", AbsentFile: "file"}


@dataclass(frozen=True)
class Change:
    """One resource that differs from its desired state, and the action that corrects it."""

    action: Action
    resource: Resource
    differences: tuple[Difference, ...] = ()
    remark: str = ""

    @property
    def name(self) -> str:
        """The resource's path or name."""
        return str(getattr(self.resource, "path", "") or getattr(self.resource, "name", ""))

    def __str__(self) -> str:
        """Return one line: the action, the resource and the reason."""
        kind = _KINDS.get(type(self.resource), type(self.resource).__name__.lower())
        reasons = [*map(str, self.differences), *([self.remark] if self.remark else [])]
        why = f" ({'; '.join(reasons)})" if reasons else ""
        return f"{self.action} {kind} {self.name}{why}"


def plan(desired: Iterable[Resource], state: HostState) -> tuple[Change, ...]:
    """Return the changes in the order to make them: files, networks, volumes, containers.

    Raises:
        RollcallError: an object that Rollcall does not manage has the name of one of its resources.
    """
    resources = sorted(desired, key=lambda resource: _ORDER.index(type(resource)))
    changes = {resource: change for resource in resources if (change := _change(resource, state))}
    # A notified consumer reads a changed file without a new container.
    edited = [
        file.path for file in changes if isinstance(file, File) and file.path in state.files and not file.consumer
    ]
    return tuple(
        change for resource in resources if (change := changes.get(resource) or _read_edited(resource, edited, state))
    )


_ORDER = [Directory, File, AbsentFile, Network, Volume, Container, LeadingLine]


def _change(resource: Resource, state: HostState) -> Change | None:
    match resource:
        case Container():
            return _container(resource, state)
        case File() | Directory():
            return _file(resource, state)
        case AbsentFile():
            return Change("remove", resource) if resource.path in state.files else None
        case LeadingLine():
            return _leading_line(resource, state)
        case Network():
            return _by_name(resource, state.engine.networks)
        case Volume():
            return _by_name(resource, state.engine.volumes)


def _by_name(resource: Network | Volume, existing: Mapping[str, Document]) -> Change | None:
    document = existing.get(resource.name)
    if document is None:
        return Change("create", resource)
    if not _is_ours(document):
        kind = type(resource).__name__.lower()
        raise RollcallError(
            f"a {kind} named {resource.name} exists already and is not Rollcall's; "
            f"rename or remove it: docker {kind} rm {resource.name}"
        )
    return None


def _file(resource: File | Directory, state: HostState) -> Change | None:
    found = state.files.get(resource.path)
    if found is None:
        return Change("create", resource)
    if isinstance(resource, Directory) and resource.shared:
        return None
    pairs = [("mode", f"{found.mode:04o}", f"{resource.mode:04o}"), ("owner", found.owner, resource.owner)]
    if isinstance(resource, File):
        pairs.append(("sha256", (found.digest or "a directory")[:12], resource.digest[:12]))
        pairs.append(("taken up", "no" if pending_marker(resource) in state.files else "yes", "yes"))
    differences = tuple(Difference(*pair) for pair in pairs if pair[1] != pair[2])
    return Change("write", resource, differences) if differences else None


def pending_marker(resource: File | AbsentFile) -> str:
    """Return the path of the marker that exists on a host from a file's change until `notify` succeeds."""
    return f"{ROOT}/.pending-{hashlib.sha256(resource.notify.encode()).hexdigest()[:12]}"


def notifications(changes: Sequence[Change]) -> dict[str, str]:
    """Return the commands that notify consumers of changed files, each with its marker.

    This includes a consumer that a takeover replaces: if the old one stays, the next deploy finds the marker.
    """
    started = {
        change.name
        for change in changes
        if isinstance(change.resource, Container) and change.action not in ("take over", "finish")
    }
    return {
        change.resource.notify: pending_marker(change.resource)
        for change in changes
        if (isinstance(change.resource, File) and change.resource.notify and change.resource.consumer not in started)
        or (isinstance(change.resource, AbsentFile) and change.resource.notify)
    }


def _leading_line(resource: LeadingLine, state: HostState) -> Change | None:
    # Programs that keep the line first may write a comment of their own above it.
    lines = [line for line in state.texts.get(resource.path, "").splitlines() if line.strip() and line[0] not in "#;"]
    first, again = resource.line in lines[:1], resource.line in lines[1:]
    right = first and not again if resource.present else not (first or again)
    if right:
        return None
    if not resource.present:
        return Change("remove", resource, (Difference("line", repr(resource.line), "absent"),))
    return Change("write", resource, (Difference("line", "further down" if again else "absent", repr(resource.line)),))


def _container(resource: Container, state: HostState) -> Change | None:
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
        return Change(action, resource, differences, "" if resource.image in state.engine.images else UNKNOWN_IMAGE)
    status = document["State"]
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


def _read_edited(resource: Resource, edited: Iterable[str], state: HostState) -> Change | None:
    """Replace a container that started with a file edited by hand: it would not read the corrected file.

    A file that a deploy wrote is older than the container that this deploy created for it.
    """
    if not isinstance(resource, Container):
        return None
    document = state.engine.containers[resource.name]
    created, started = (
        datetime.fromisoformat(text).timestamp() for text in (document["Created"], document["State"]["StartedAt"])
    )
    folders = tuple(f"{mount.source}/" for mount in resource.mounts)
    for path in edited:
        if path.startswith(folders) and created < state.files[path].modified < started:
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
        for difference in _field(field.name, getattr(found, field.name), getattr(resource, field.name))
    ]
    if running != wanted.get("Id") and resource.image == found.image:
        old, new = (str(identity or "not on this host")[:19] for identity in (running, wanted.get("Id")))
        differences.append(Difference("image id", old, new))
    if not differences:
        label = _labels(document).get(container_inspect.SPEC_LABEL, "none")
        # A field that Docker does not keep, such as the image's source, shows only in the digest.
        differences.extend(_field("spec", label, resource.spec))
    return tuple(differences)


def _field(name: str, old: Any, new: Any) -> list[Difference]:
    if name == "environment":
        was, will = dict(old), dict(new)
        return [
            Difference(f"environment.{key}", _shown(was.get(key)), _shown(will.get(key)))
            for key in sorted(was.keys() | will.keys())
            if was.get(key) != will.get(key)
        ]
    return [] if old == new else [Difference(name, _shown(old), _shown(new))]


def _shown(value: Any) -> str:
    if value is None:
        return "absent"
    if isinstance(value, tuple):
        return f"[{', '.join(map(_brief, value))}]"
    return repr(value)


def _brief(item: Any) -> str:
    if is_dataclass(item):
        item = tuple(getattr(item, field.name) for field in fields(item))
    return ":".join(map(str, item)) if isinstance(item, tuple) else str(item)


def leftovers(desired: Iterable[Resource], state: HostState) -> tuple[Change, ...]:
    """List what Rollcall created on this host and no component desires any more.

    Volumes stay because they hold data; only the removal of everything removes them.
    """
    wanted = list(desired)
    containers = [resource for resource in wanted if isinstance(resource, Container)]
    names = {resource.name for resource in containers} | {
        resource.retired for resource in containers if resource.readiness_command
    }
    networks = {resource.name for resource in wanted if isinstance(resource, Network)}
    paths = {resource.path for resource in wanted if isinstance(resource, File | Directory)}
    # Remove containers before their networks, and files before their directories.
    gone: list[Resource] = [Container(name, "", "") for name in sorted(state.engine.managed) if name not in names]
    gone += [Network(name) for name in _ours(state.engine.networks) if name not in networks]
    gone += [
        _path(path, state)
        for path in sorted(state.files, reverse=True)
        if path.startswith(f"{ROOT}/") and path not in paths
    ]
    return tuple(Change("remove", resource) for resource in gone)


def everything(state: HostState) -> tuple[Change, ...]:
    """List everything of Rollcall's on a host, including its data."""
    volumes = [Change("remove", Volume(name)) for name in _ours(state.engine.volumes)]
    root = [Change("remove", Directory(ROOT))] if ROOT in state.files else []
    return (*leftovers((), state), *volumes, *root)


def _ours(documents: Mapping[str, Document]) -> list[str]:
    return [name for name, document in documents.items() if _is_ours(document)]


def _is_ours(document: Document) -> bool:
    """Return whether a network or volume carries our label."""
    return LABEL in (document.get("Labels") or {})


def _path(path: str, state: HostState) -> File | Directory:
    return Directory(path) if state.files[path].digest is None else File(path, "")
