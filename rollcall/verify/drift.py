"""Compare a host with its declaration: the changes that a deploy would make."""

from collections.abc import Sequence

from rollcall.components import declared as project
from rollcall.components.component import Component, Context
from rollcall.config.fleet import Fleet, Member
from rollcall.converge.changes import Change
from rollcall.converge.host_state import HostState
from rollcall.converge.leftovers import leftovers
from rollcall.converge.plan import plan
from rollcall.converge.resources import Resource
from rollcall.deploy.host_query import facts
from rollcall.secrets.store import Secrets


def declared(
    fleet: Fleet, member: Member, secrets: Secrets, state: HostState, components: Sequence[Component]
) -> tuple[Resource, ...]:
    """Return every resource that should be on a host."""
    parts = project.resources(Context(fleet, member, facts(state), secrets), components)
    return tuple(resource for resources in parts.values() for resource in resources)


def drift(resources: Sequence[Resource], state: HostState) -> tuple[Change, ...]:
    """Return the changes that make a host have exactly these resources of Rollcall's.

    Raises:
        RollcallError: something that Rollcall does not manage has a resource's name.
    """
    return (*plan(resources, state), *leftovers(resources, state))
