"""Describe one host during a deploy: its state, its desired resources, and the planned changes."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from rollcall.components import consul, services
from rollcall.config.fleet import Fleet, Member
from rollcall.config.image_version import version
from rollcall.consul import agent_queries, members
from rollcall.consul.members import Agent
from rollcall.converge.changes import Change
from rollcall.converge.host_state import HostState
from rollcall.converge.plan import plan
from rollcall.converge.resources import Container, Resource
from rollcall.errors import RollcallError


@dataclass(frozen=True)
class Site:
    """One host during a deploy."""

    fleet: Fleet
    member: Member
    state: HostState
    desired: Mapping[str, tuple[Resource, ...]]

    @property
    def resources(self) -> list[Resource]:
        """Everything that should be on the host."""
        return [resource for part in self.desired.values() for resource in part]

    @cached_property
    def cluster(self) -> tuple[str, str, str]:
        """Consul's health from every server, its policies and tokens from the first one; empty if not requested."""
        health, _, policies, tokens, _ = self._consul
        return health, policies, tokens

    @property
    def lock(self) -> str | None:
        """The fleet's lock, from the first server; None if it was not requested, or Consul did not respond."""
        return self._consul[4] if self._consul[0] and self.member == self.fleet.servers[0] else None

    @property
    def agents(self) -> tuple[Agent, ...]:
        """The agents that gossip knows; only servers are asked."""
        return members.parse(self._consul[1])

    @property
    def unlisted(self) -> tuple[Agent, ...]:
        """The agents that gossip knows and the inventory does not, once for all: from the first server."""
        known = self.agents if self.member == self.fleet.servers[0] else ()
        return members.unlisted(known, [member.node for member in self.fleet.members])

    @property
    def former_address(self) -> str:
        """The address that the host's agent was deployed with, if it has another one now, else ""."""
        found = consul.deployed_address(self.state.texts.get(consul.AGENT, ""))
        return "" if found == self.member.address else found

    @property
    def _consul(self) -> list[str]:
        return agent_queries.responses(self.state.probes.get("consul", ""), len(agent_queries.FIRST_SERVER))

    @cached_property
    def plans(self) -> Mapping[str, tuple[Change, ...]]:
        """The planned changes by component. Raises RollcallError: a foreign object has the name of a resource."""
        return {component: plan(resources, self.state) for component, resources in self.desired.items()}

    def changes(self, component: str) -> tuple[Change, ...]:
        """Return the planned changes of a component, but for `releases`.

        Raises:
            RollcallError: as `plans`, with the host's name.
        """
        changes = self._planned(component)
        if component != services.NAME:
            return changes
        return tuple(change for change in changes if not isinstance(change.resource, Container))

    @cached_property
    def releases(self) -> tuple[Change, ...]:
        """The planned changes of services' containers, which are replaced one after the other in the fleet.

        Raises:
            RollcallError: as `plans`, with the host's name.
        """
        changes = self._planned(services.NAME) if services.NAME in self.desired else ()
        return tuple(change for change in changes if isinstance(change.resource, Container))

    def _planned(self, component: str) -> tuple[Change, ...]:
        try:
            return self.plans[component]
        except RollcallError as problem:
            raise RollcallError(f"{self.member.name}: {problem}") from None

    @property
    def missing_images(self) -> Mapping[str, Container]:
        """The images that the host lacks, each with a container that uses it."""
        containers = (resource for resource in self.resources if isinstance(resource, Container))
        return {
            container.image: container for container in containers if container.image not in self.state.engine.images
        }

    @property
    def consul_versions(self) -> tuple[str, str]:
        """The version of Consul that the host runs, and the one that it should; "" for one that is not known."""
        running = self.state.engine.containers.get("consul")
        image = str((running.get("Config") or {}).get("Image") or "") if running else ""
        return version(image) if image else "", version(self.member.settings.consul.image)

    @property
    def consul_upgrade(self) -> str:
        """The version of Consul that the host's server changes to; "" if it does not change."""
        running, wanted = self.consul_versions
        return wanted if self.member.is_server and running and running != wanted else ""

    @property
    def leaves_servers(self) -> bool:
        """Whether the host's Consul agent was a server and becomes a client."""
        return not self.member.is_server and consul.was_server(self.state.files)
