"""Plan the changes from a host's state to its desired resources, in the order to make them."""

from collections.abc import Iterable, Mapping

from rollcall.converge.changes import Change, Difference
from rollcall.converge.container_plan import container_change, read_edited
from rollcall.converge.docker_query import Document
from rollcall.converge.host_state import HostState
from rollcall.converge.leftovers import is_ours
from rollcall.converge.notifications import pending_marker
from rollcall.converge.resources import AbsentFile, Container, Directory, File, LeadingLine, Network, Resource, Volume
from rollcall.errors import RollcallError


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
        change for resource in resources if (change := changes.get(resource) or read_edited(resource, edited, state))
    )


_ORDER = [Directory, File, AbsentFile, Network, Volume, Container, LeadingLine]


def _change(resource: Resource, state: HostState) -> Change | None:
    match resource:
        case Container():
            return container_change(resource, state)
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
    if not is_ours(document):
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
    pairs = [("mode", f"{found.mode:04o}", f"{resource.mode:04o}")]
    pairs += [("owner", found.owner, resource.owner)] if resource.owner else []
    if isinstance(resource, File):
        pairs.append(("sha256", (found.digest or "a directory")[:12], resource.digest[:12]))
        pairs.append(("taken up", "no" if pending_marker(resource) in state.files else "yes", "yes"))
    differences = tuple(Difference(*pair) for pair in pairs if pair[1] != pair[2])
    return Change("write", resource, differences) if differences else None


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
