"""What every component is: a name, what it owns, and functions from settings to resources.

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
    """The little that components must know of a host as it is.

    bridge, bridge_interface: the Docker bridge's address and interface; resolver: how it resolves names; socket_group:
    the id of the group that may open the engine's socket; interfaces: those of the host by their addresses; memory:
    the host's, in MiB, 0 where it is not known.
    """

    bridge: str
    bridge_interface: str
    resolver: Resolver
    socket_group: int
    interfaces: Mapping[str, str] = field(default_factory=dict)
    memory: int = 0


@dataclass(frozen=True)
class Context:
    """What a component's resources are a function of: the fleet, one host of it, that host's facts, and the secrets."""

    fleet: Fleet
    member: Member
    facts: HostFacts
    secrets: Secrets


@dataclass(frozen=True)
class Check:
    """What a component validates: the settings of one host of a fleet.

    `reserved` are the names of the components' own containers. `locate` says where a setting stands, for a sentence.
    """

    fleet: Fleet
    member: Member
    reserved: frozenset[str]
    locate: Locate


def _valid(_check: Check) -> None:
    """Accept whatever the settings' own types accept."""


def _closed(_fleet: Fleet, _member: Member) -> tuple[OpenPort, ...]:
    return ()


@dataclass(frozen=True)
class Component:
    """One part of what a deploy puts on hosts.

    `resources` lists what should be on a host: nothing where the host does not have the component. `containers`,
    `volumes`, and `networks` are the names it owns: no user's container may take them, and a deploy reads and removes
    them. `validate` raises RollcallError for settings that cannot work, before any host is touched. `open_ports` lists
    what it opens on a host, for `rollcall verify`.
    """

    name: str
    resources: Callable[[Context], tuple[Resource, ...]]
    containers: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    validate: Callable[[Check], None] = _valid
    open_ports: Callable[[Fleet, Member], tuple[OpenPort, ...]] = _closed
