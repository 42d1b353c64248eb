"""Define the component protocol: a name, the objects it owns, and functions from settings to resources.

docs/adding-a-component.md has an example.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rollcall.components.open_port import OpenPort
from rollcall.config.fleet import Fleet, Locate, Member
from rollcall.converge.resources import Resource
from rollcall.secrets.store import Secrets

if TYPE_CHECKING:
    from rollcall.components.resolver import Resolver


@dataclass(frozen=True)
class HostFacts:
    """The facts about a host that components depend on.

    `bridge` and `bridge_interface` are the Docker bridge's address and interface; `resolver` is how the host resolves
    names; `socket_group` is the gid that may open the engine's socket; `interfaces` are the host's by address; `memory`
    is in MiB, 0 if unknown; `node_id` is its Consul agent's, "" if it has none yet.
    """

    bridge: str
    bridge_interface: str
    resolver: Resolver
    socket_group: int
    interfaces: Mapping[str, str] = field(default_factory=dict)
    memory: int = 0
    node_id: str = ""


@dataclass(frozen=True)
class Context:
    """The inputs of a component's resources: the fleet, one of its hosts, that host's facts, and the secrets."""

    fleet: Fleet
    member: Member
    facts: HostFacts
    secrets: Secrets


@dataclass(frozen=True)
class Check:
    """The input of a component's validation: the settings of one host of a fleet.

    `reserved` are the names of the components' own containers. `locate` returns a setting's location for an error.
    """

    fleet: Fleet
    member: Member
    reserved: frozenset[str]
    locate: Locate


def _valid(_check: Check) -> None:
    """Accept everything that the settings' types accept."""


def _closed(_fleet: Fleet, _member: Member) -> tuple[OpenPort, ...]:
    return ()


@dataclass(frozen=True)
class Component:
    """One part of what a deploy puts on hosts.

    `resources` returns what should be on a host: nothing on hosts without the component. `containers`, `volumes`, and
    `networks` are the names it owns: users' containers must not use them, and a deploy reads and removes them.
    `validate` raises RollcallError for settings that cannot work, before any host is touched. `open_ports` returns the
    ports it opens on a host, for `rollcall verify`.
    """

    name: str
    resources: Callable[[Context], tuple[Resource, ...]]
    containers: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    validate: Callable[[Check], None] = _valid
    open_ports: Callable[[Fleet, Member], tuple[OpenPort, ...]] = _closed
