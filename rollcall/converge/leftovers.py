"""List what Rollcall created on a host and no component desires any more, or everything for a removal."""

from collections.abc import Iterable, Mapping

from rollcall.converge.changes import Change
from rollcall.converge.docker_query import LABEL, Document
from rollcall.converge.host_state import LOGS, ROOT, HostState
from rollcall.converge.resources import Container, Directory, File, Network, Resource, Volume


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
    logs = [Change("remove", Directory(LOGS, holds_data=True))] if LOGS in state.files else []
    root = [Change("remove", Directory(ROOT))] if ROOT in state.files else []
    return (*leftovers((), state), *volumes, *logs, *root)


def _ours(documents: Mapping[str, Document]) -> list[str]:
    return [name for name, document in documents.items() if is_ours(document)]


def is_ours(document: Document) -> bool:
    """Return whether a network or volume carries our label."""
    return LABEL in (document.get("Labels") or {})


def _path(path: str, state: HostState) -> File | Directory:
    return Directory(path) if state.files[path].digest is None else File(path, "")
