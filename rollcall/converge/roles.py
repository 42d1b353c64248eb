"""Whole roles that a deploy would take off a host: more often a slip in the inventory than a wish."""

from collections.abc import Iterable, Sequence

from rollcall.converge.host_state import HostState
from rollcall.converge.resources import Container, Resource

# The group whose hosts have a component, by the label of its containers. What a setting of its own turns off, such as
# keepalived, is no role.
ROLES = {"front": "fronts", "backend": "backends"}


def removed(host: str, desired: Iterable[Resource], state: HostState) -> list[str]:
    """Say which roles a host has and should no longer have, each with the containers that would go."""
    kept = {resource.component for resource in desired if isinstance(resource, Container)}
    gone: dict[str, tuple[str, ...]] = {}
    for name, component in sorted(state.engine.components.items()):
        if component in ROLES and component not in kept:
            gone[ROLES[component]] = (*gone.get(ROLES[component], ()), name)
    return [_sentence(host, *lost) for lost in gone.items()]


def _sentence(host: str, role: str, containers: Sequence[str]) -> str:
    what = "container" if len(containers) == 1 else "containers"
    return f"{host} leaves {role}: this deploy removes its {what} {', '.join(containers)}"
