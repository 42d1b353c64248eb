"""Find whole roles that a deploy would remove from a host: more often an inventory mistake than intended."""

from collections.abc import Iterable, Sequence

from rollcall.converge.host_state import HostState
from rollcall.converge.resources import Container, Resource

# The group whose hosts run a component, by the label of its containers. Components that a setting turns off, such as
# keepalived, are not roles, and services say themselves what they lose.
ROLES = {"front": "fronts"}


def removed(host: str, desired: Iterable[Resource], state: HostState) -> list[str]:
    """Return a sentence for each role that the host would lose, with the containers to be removed."""
    desired_components = {resource.component for resource in desired if isinstance(resource, Container)}
    lost: dict[str, tuple[str, ...]] = {}
    for name, component in sorted(state.engine.components.items()):
        if component in ROLES and component not in desired_components:
            lost[ROLES[component]] = (*lost.get(ROLES[component], ()), name)
    return [_sentence(host, role, containers) for role, containers in lost.items()]


def _sentence(host: str, role: str, containers: Sequence[str]) -> str:
    what = "container" if len(containers) == 1 else "containers"
    return f"{host} leaves {role}: this deploy removes its {what} {', '.join(containers)}"
