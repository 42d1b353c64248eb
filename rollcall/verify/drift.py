"""Compare a host with its declaration: the changes that a deploy would make."""

from collections.abc import Sequence
from dataclasses import replace

from rollcall.components import declared as project
from rollcall.components.component import Component, Context
from rollcall.config.fleet import Fleet, Member
from rollcall.converge.changes import Change
from rollcall.converge.docker_query import Document
from rollcall.converge.host_state import HostState
from rollcall.converge.leftovers import leftovers
from rollcall.converge.plan import plan
from rollcall.converge.resources import Container, Resource
from rollcall.deploy.host_query import facts
from rollcall.secrets.store import Secrets


def declared(
    fleet: Fleet, member: Member, secrets: Secrets, state: HostState, components: Sequence[Component]
) -> tuple[Resource, ...]:
    """Return every resource that should be on a host."""
    parts = project.resources(Context(fleet, member, facts(state), secrets), components)
    return tuple(_as_resolved(resource, state) for resources in parts.values() for resource in resources)


def _as_resolved(resource: Resource, state: HostState) -> Resource:
    """Name a service's image by the digest that a deploy found behind its tag, where the container has it."""
    found = state.engine.containers.get(resource.name) if isinstance(resource, Container) else None
    image = _image(found) if found else ""
    if isinstance(resource, Container) and image.startswith(f"{resource.image}@"):
        return replace(resource, image=image)
    return resource


def _image(container: Document) -> str:
    return str((container.get("Config") or {}).get("Image") or "")


def drift(resources: Sequence[Resource], state: HostState) -> tuple[Change, ...]:
    """Return the changes that make a host have exactly these resources of Rollcall's.

    Raises:
        RollcallError: something that Rollcall does not manage has a resource's name.
    """
    # The images of containers are read by id; a digest leads to one image only.
    by_digest = {
        _image(container): state.engine.images[container["Image"]]
        for container in state.engine.containers.values()
        if "@" in _image(container) and container["Image"] in state.engine.images
    }
    known = replace(state, engine=replace(state.engine, images={**by_digest, **state.engine.images}))
    return (*plan(resources, known), *leftovers(resources, known))
