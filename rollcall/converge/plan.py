"""Desired against state: which changes lead from one to the other, and what a person is told of each."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime
from typing import Any, Literal

from rollcall.converge import container_inspect
from rollcall.converge.docker_query import LABEL, Document
from rollcall.converge.host_state import ROOT, HostState
from rollcall.converge.resources import Absent, Container, Directory, File, FirstLine, Network, Thing, Volume
from rollcall.errors import RollcallError

UNKNOWN_IMAGE = (
    "the new image is not on this host yet: the command, environment, user and exposed ports that it brings are unknown"
)

Action = Literal["create", "replace", "take over", "finish", "start", "unpause", "write", "remove"]


@dataclass(frozen=True)
class Difference:
    """One field of a thing: what it is and what it should be."""

    field: str
    old: str
    new: str

    def __str__(self) -> str:
        """Give the line of a dry run."""
        return f"{self.field}: {self.old} → {self.new}"


@dataclass(frozen=True)
class Change:
    """One thing that is not as it should be, and what is to be done about it."""

    action: Action
    thing: Thing
    differences: tuple[Difference, ...] = ()
    remark: str = ""

    @property
    def name(self) -> str:
        """What a person calls the thing."""
        return str(getattr(self.thing, "path", "") or getattr(self.thing, "name", ""))

    def __str__(self) -> str:
        """Give one line: what is done to which thing and why."""
        kind = type(self.thing).__name__.lower().replace("firstline", "first line of").replace("absent", "file")
        reasons = [*map(str, self.differences), *([self.remark] if self.remark else [])]
        why = f" ({'; '.join(reasons)})" if reasons else ""
        return f"{self.action} {kind} {self.name}{why}"


def plan(desired: Iterable[Thing], state: HostState) -> tuple[Change, ...]:
    """List the changes in the order in which they must be made: files, networks, volumes, containers.

    Raises:
        RollcallError: a name is taken by something that Rollcall does not manage.
    """
    things = sorted(desired, key=lambda thing: _ORDER.index(type(thing)))
    changes = {thing: change for thing in things if (change := _change(thing, state))}
    # A file whose reader is told of changes reaches it without a new container.
    edited = [one.path for one in changes if isinstance(one, File) and one.path in state.files and not one.reader]
    return tuple(change for thing in things if (change := changes.get(thing) or _read_edited(thing, edited, state)))


_ORDER = [Directory, File, Absent, Network, Volume, Container, FirstLine]


def _change(thing: Thing, state: HostState) -> Change | None:
    match thing:
        case Container():
            return _container(thing, state)
        case File() | Directory():
            return _file(thing, state)
        case Absent():
            return Change("remove", thing) if thing.path in state.files else None
        case FirstLine():
            return _first_line(thing, state)
        case Network():
            return _by_name(thing, state.engine.networks)
        case Volume():
            return _by_name(thing, state.engine.volumes)


def _by_name(thing: Network | Volume, existing: Mapping[str, Document]) -> Change | None:
    document = existing.get(thing.name)
    if document is None:
        return Change("create", thing)
    if not _is_ours(document):
        kind = type(thing).__name__.lower()
        raise RollcallError(
            f"a {kind} named {thing.name} exists already and is not Rollcall's; "
            f"right is to rename or remove it: docker {kind} rm {thing.name}"
        )
    return None


def _file(thing: File | Directory, state: HostState) -> Change | None:
    found = state.files.get(thing.path)
    if found is None:
        return Change("create", thing)
    if isinstance(thing, Directory) and thing.shared:
        return None
    pairs = [("mode", f"{found.mode:04o}", f"{thing.mode:04o}"), ("owner", found.owner, thing.owner)]
    if isinstance(thing, File):
        pairs.append(("sha256", (found.digest or "a directory")[:12], thing.digest[:12]))
        pairs.append(("taken up", "no" if untold(thing) in state.files else "yes", "yes"))
    differences = tuple(Difference(*pair) for pair in pairs if pair[1] != pair[2])
    return Change("write", thing, differences) if differences else None


def untold(thing: File | Absent) -> str:
    """Name the mark that stays on a host while a file was changed and `then` has not succeeded yet."""
    return f"{ROOT}/.untold-{hashlib.sha256(thing.then.encode()).hexdigest()[:12]}"


def tellings(changes: Sequence[Change]) -> dict[str, str]:
    """Give the commands by which readers notice their changed files, each with its mark.

    A reader that is taken over from is told nonetheless: if it stays, the next deploy finds the mark and tells it.
    """
    started = {
        change.name
        for change in changes
        if isinstance(change.thing, Container) and change.action not in ("take over", "finish")
    }
    return {
        change.thing.then: untold(change.thing)
        for change in changes
        if (isinstance(change.thing, File) and change.thing.then and change.thing.reader not in started)
        or (isinstance(change.thing, Absent) and change.thing.then)
    }


def _first_line(thing: FirstLine, state: HostState) -> Change | None:
    lines = state.texts.get(thing.path, "").splitlines()
    first, again = thing.line in lines[:1], thing.line in lines[1:]
    right = first and not again if thing.present else not (first or again)
    if right:
        return None
    if not thing.present:
        return Change("remove", thing, (Difference("line", repr(thing.line), "absent"),))
    return Change("write", thing, (Difference("line", "further down" if again else "absent", repr(thing.line)),))


def _container(thing: Container, state: HostState) -> Change | None:
    for name in (thing.name, thing.retired) if thing.overlap else (thing.name,):
        if name in state.engine.containers and name not in state.engine.managed:
            raise RollcallError(
                f"a container named {name} exists already and is not Rollcall's; "
                f"right is to rename or remove it: docker rm -f {name}"
            )
    document = state.engine.containers.get(thing.name)
    if thing.overlap and thing.retired in state.engine.managed:
        return _interrupted(thing, document, state)
    if document is None:
        _check_ports(thing, state)
        return Change("create", thing)
    if differences := _container_differences(thing, document, state):
        action: Action = "take over" if _hands_over(thing, document) else "replace"
        return Change(action, thing, differences, "" if thing.image in state.engine.images else UNKNOWN_IMAGE)
    status = document["State"]
    if status.get("Paused"):
        return Change("unpause", thing, (Difference("state", "paused", "running"),))
    if not status.get("Running") and not status.get("Restarting"):
        return Change("start", thing, (Difference("state", str(status.get("Status")), "running"),))
    return None


def _interrupted(thing: Container, document: Document | None, state: HostState) -> Change:
    """Go on where a takeover was interrupted; its predecessor may have the ports which it is to listen on."""
    begun = Difference("takeover", "interrupted", "finished")
    if document is None:
        return Change("take over", thing, (begun,))
    differences = _container_differences(thing, document, state)
    return Change("take over" if differences else "finish", thing, (begun, *differences))


def _hands_over(thing: Container, document: Document) -> bool:
    """Whether the container that is there can be taken over from: it runs, and was made for that."""
    status = document["State"]
    runs = status.get("Running") and not status.get("Restarting") and not status.get("Paused")
    return bool(thing.overlap and runs and container_inspect.OVERLAP_LABEL in _labels(document))


def _labels(document: Document) -> Mapping[str, str]:
    return (document.get("Config") or {}).get("Labels") or {}


def _read_edited(thing: Thing, edited: Iterable[str], state: HostState) -> Change | None:
    """Find a container that started on a file as it was edited by hand: mending the file alone would not reach it.

    A file as a deploy put it is older than the container that this deploy made for it.
    """
    if not isinstance(thing, Container):
        return None
    document = state.engine.containers[thing.name]
    created, started = (
        datetime.fromisoformat(text).timestamp() for text in (document["Created"], document["State"]["StartedAt"])
    )
    folders = tuple(f"{mount.source}/" for mount in thing.mounts)
    for path in edited:
        if path.startswith(folders) and created < state.files[path].modified < started:
            action: Action = "take over" if _hands_over(thing, document) else "replace"
            return Change(action, thing, (Difference("configuration", f"{path} as edited by hand", "as it was"),))
    return None


def _check_ports(thing: Container, state: HostState) -> None:
    for address, port in thing.listens:
        if state.listens(address, port):
            raise RollcallError(
                f"port {port} at {address or 'every address'}, which {thing.name} is to listen on, is taken by another "
                f"program; right is to stop that one (ss -ltnp 'sport = {port}' names it) or to set another port"
            )


def _container_differences(thing: Container, document: Document, state: HostState) -> tuple[Difference, ...]:
    running, wanted = document.get("Image"), state.engine.images.get(thing.image, {})
    networks = state.engine.networks
    found = container_inspect.container(document, state.engine.images.get(str(running)), networks, thing)
    differences = [
        difference
        for one in fields(Container)
        for difference in _field(one.name, getattr(found, one.name), getattr(thing, one.name))
    ]
    if running != wanted.get("Id") and thing.image == found.image:
        old, new = (str(identity or "not on this host")[:19] for identity in (running, wanted.get("Id")))
        differences.append(Difference("image id", old, new))
    if not differences:
        label = _labels(document).get(container_inspect.SPEC_LABEL, "none")
        # A field which Docker does not give back, such as the image's source, shows in the digest alone.
        differences.extend(_field("spec", label, thing.spec))
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
        item = tuple(getattr(item, one.name) for one in fields(item))
    return ":".join(map(str, item)) if isinstance(item, tuple) else str(item)


def leftovers(desired: Iterable[Thing], state: HostState) -> tuple[Change, ...]:
    """List what Rollcall once made on this host and nobody wants any more.

    Volumes are left alone: they hold data, and only the removal of everything takes them.
    """
    wanted = list(desired)
    containers = [thing for thing in wanted if isinstance(thing, Container)]
    names = {thing.name for thing in containers} | {thing.retired for thing in containers if thing.overlap}
    networks = {thing.name for thing in wanted if isinstance(thing, Network)}
    paths = {thing.path for thing in wanted if isinstance(thing, File | Directory)}
    # A container must be gone before its network can go, and a file before its directory.
    gone: list[Thing] = [Container(name, "", "") for name in sorted(state.engine.managed) if name not in names]
    gone += [Network(name) for name in _ours(state.engine.networks) if name not in networks]
    gone += [
        _path(path, state)
        for path in sorted(state.files, reverse=True)
        if path.startswith(f"{ROOT}/") and path not in paths
    ]
    return tuple(Change("remove", thing) for thing in gone)


def everything(state: HostState) -> tuple[Change, ...]:
    """List all that Rollcall has on a host, its data included."""
    volumes = [Change("remove", Volume(name)) for name in _ours(state.engine.volumes)]
    root = [Change("remove", Directory(ROOT))] if ROOT in state.files else []
    return (*leftovers((), state), *volumes, *root)


def _ours(documents: Mapping[str, Document]) -> list[str]:
    return [name for name, document in documents.items() if _is_ours(document)]


def _is_ours(document: Document) -> bool:
    """Whether a network or volume carries our label."""
    return LABEL in (document.get("Labels") or {})


def _path(path: str, state: HostState) -> File | Directory:
    return Directory(path) if state.files[path].digest is None else File(path, "")
