"""Load the components of a project: those that its deploy.py lists, in that order."""

import ast
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rollcall.components.component import Component, Context
from rollcall.components.services import FORMER
from rollcall.config.fleet import Fleet
from rollcall.config.settings import Settings
from rollcall.converge import preflight
from rollcall.converge.resources import Container, Resource
from rollcall.errors import RollcallError

# Only these import pyinfra, and only pyinfra's own process runs the rest of deploy.py.
_NOT_HERE = ("pyinfra", "rollcall.deploy")
# The component of users' own services, and the step that releases them.
_SERVICES, _RELEASE = "services", "release_services"
# Components that a deploy.py of an earlier version lacks, by module: their name, their setting, and who needs them.
_LATER: Mapping[str, tuple[str, str, Callable[[Settings], bool]]] = {
    "acme": ("acme", "front.acme", lambda settings: settings.front.acme is not None),
    "jobs": ("jobs", "services[].schedule", lambda settings: bool(settings.jobs)),
    "backups": (
        "Backups",
        "consul_server.backups",
        lambda settings: settings.consul_server.backups is not None,
    ),
}
_AS_INIT = "expected both, as `rollcall init` writes them"


def components(project: Path) -> tuple[Component, ...]:
    """Return the list COMPONENTS of a project's deploy.py, without running its deploy.

    Raises:
        RollcallError: deploy.py lacks the list, or a name in it cannot be imported.
    """
    file = project / "deploy.py"
    tree = ast.parse(file.read_text("utf-8"), filename=str(file))
    kept = [node for node in tree.body if _is_import(node) or _is_list(node)]
    if not any(map(_is_list, kept)):
        raise RollcallError(
            f"{file}: COMPONENTS is missing; expected a list such as COMPONENTS = (consul.COMPONENT, …)"
        )
    _check_former(file, kept)
    names: dict[str, Any] = {}
    sys.path.insert(0, str(project))
    try:
        exec(compile(ast.Module(kept, []), str(file), "exec"), names)  # noqa: S102 — pyinfra runs it, too
    except (ImportError, AttributeError, NameError) as problem:
        raise RollcallError(f"{file}: COMPONENTS cannot be loaded: {problem}") from None
    finally:
        sys.path.remove(str(project))
    return tuple(names["COMPONENTS"])


def _check_former(file: Path, imports: Iterable[ast.stmt]) -> None:
    """Refuse an import of a component of before. Raises RollcallError: there is one."""
    for node in imports:
        names = [one.name for one in node.names] if isinstance(node, ast.ImportFrom) else []
        if FORMER in names:
            raise RollcallError(
                f"{file}:{node.lineno}: got {FORMER}, whose sample containers are services now; "
                f"expected neither {FORMER} nor {FORMER}.COMPONENT"
            )


def check_complete(project: Path, fleet: Fleet, chosen: Sequence[Component]) -> None:
    """Check that the project's deploy.py deploys what the settings name: an older one does not.

    Raises:
        RollcallError: it does not.
    """
    names = {component.name for component in chosen}
    for module, (name, key, needs) in _LATER.items():
        if name not in names and any(needs(member.settings) for member in fleet.members):
            raise RollcallError(
                f"{project / 'deploy.py'}: got {key} set, but not {module}.COMPONENT in COMPONENTS; expected it, as "
                "`rollcall init` writes it"
            )
    _check_services(project, fleet, chosen)


def _check_services(project: Path, fleet: Fleet, chosen: Sequence[Component]) -> None:
    if not any(member.settings.services for member in fleet.members):
        return
    file = project / "deploy.py"
    called = {
        node.func.id
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    if all(component.name != _SERVICES for component in chosen):
        raise RollcallError(f"{file}: got services declared, but not services.COMPONENT in COMPONENTS; {_AS_INIT}")
    if _RELEASE not in called:
        raise RollcallError(f"{file}: got services declared, but no call of {_RELEASE}(here); {_AS_INIT}")


def resources(context: Context, chosen: Sequence[Component]) -> Mapping[str, tuple[Resource, ...]]:
    """Return everything that should be on a host, by component, in deployment order."""
    memory = context.facts.memory
    return {
        component.name: tuple(_fitting(resource, memory) for resource in component.resources(context))
        for component in chosen
    }


def _fitting(resource: Resource, memory: int) -> Resource:
    """Reduce a container's memory limit to fit the machine; a larger limit would have no effect."""
    return (
        replace(resource, memory=preflight.fitting(resource.memory, memory))
        if isinstance(resource, Container)
        else resource
    )


def _is_import(node: ast.stmt) -> bool:
    if isinstance(node, ast.ImportFrom):
        return not (node.module or "").startswith(_NOT_HERE)
    return isinstance(node, ast.Import) and not any(name.name.startswith(_NOT_HERE) for name in node.names)


def _is_list(node: ast.stmt) -> bool:
    return isinstance(node, ast.Assign) and any(
        isinstance(target, ast.Name) and target.id == "COMPONENTS" for target in node.targets
    )
