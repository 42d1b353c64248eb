"""A deployed cluster as a user finds it: its agents, its catalog, its fronts, and a shell on each host."""

import shlex
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import cached_property
from typing import Any, TypeVar

import consul

from rollcall.components.component import Component
from rollcall.config.fleet import Fleet, Member
from rollcall.config.inventory import Host, Inventory
from rollcall.contract import local_agent
from rollcall.converge import host_state
from rollcall.converge.host_state import HostState
from rollcall.deploy.host_query import reading
from rollcall.errors import RollcallError
from rollcall.registrator.services.expected import (
    Expected,
    expected,
    registrator_settings,
    settings,
)
from rollcall.registrator.settings import Settings
from rollcall.remote import run, ssh, tunnel
from rollcall.remote.run import Shell
from rollcall.remote.tunnel import Endpoint
from rollcall.secrets.store import Secrets
from rollcall.verify import host_probe, listeners, nginx_sites
from rollcall.verify.catalog import UNANSWERED, Catalog, dns_names
from rollcall.verify.front_requests import Response, front_by_tls, front_endpoint, request
from rollcall.verify.host_probe import Survey
from rollcall.verify.listeners import Listener, with_published
from rollcall.verify.nginx_sites import NginxSites

# Stopping several containers one after the other, each ignoring its stop signal, is the longest of all.
COMMAND_SECONDS = 120

Looked = TypeVar("Looked")


class Cluster:
    """The hosts to look at and the connections to them."""

    def __init__(
        self,
        source: str,
        inventory: Inventory,
        fleet: Fleet,
        secrets: Secrets,
        *,
        components: Sequence[Component],
        endpoints: Mapping[str, Mapping[Endpoint, Endpoint]],
    ):
        """Take the inventory, its name as the user typed it, and where each host's own addresses are reached."""
        self.source = source
        self.hosts = {host.name: host for host in inventory.hosts}
        self.fleet = fleet
        self.secrets = secrets
        self.components = components
        self.members = tuple(member for member in fleet.members if member.name in self.hosts)
        self.endpoints = endpoints
        agents = {name: where[local_agent.ENDPOINT] for name, where in endpoints.items()}
        self.catalog = Catalog(source, agents, secrets.tokens.secret("operator"))
        self.shells: dict[str, Shell] = {}
        self.surveys: Mapping[str, Survey] = {}
        self.names: tuple[str, ...] = ()

    @property
    def domain(self) -> str:
        """The top-level domain of the catalog."""
        return self.members[0].settings.consul.domain

    @property
    def fronts(self) -> tuple[Member, ...]:
        """The hosts with nginx."""
        return tuple(member for member in self.members if member.is_front)

    @property
    def mend(self) -> str:
        """Name the command that brings the hosts to what is declared: a deploy, or an interrupted rotation again."""
        if self.secrets.unfinished:
            return f"rollcall rotate {self.source} {self.secrets.unfinished[0]}  (finishes an interrupted rotation)"
        return f"rollcall deploy {self.source}"

    def look(self) -> None:
        """Survey every host, side by side, with names that the catalog has now.

        Raises:
            RollcallError: a host cannot be surveyed, or Consul tells nothing.
        """
        try:
            self.names = dns_names(self.catalog.instances(), self.domain)
        except consul.ACLPermissionDenied as problem:
            raise RollcallError(
                f"Consul does not take the operator's token as the secrets of {self.source} give it ({problem}); "
                "use the folder it was deployed from, or deploy again"
            ) from None
        except UNANSWERED as problem:
            raise RollcallError(f"Consul tells nothing of its catalog: {problem}") from None
        self.surveys = self._survey(self.names)

    def look_at_containers(self) -> None:
        """Survey every host's containers again; what was found out about names stays."""
        seen = self._survey(())
        self.surveys = {name: replace(self.surveys[name], containers=seen[name].containers) for name in seen}

    def _survey(self, names: Sequence[str]) -> Mapping[str, Survey]:
        return self._each(lambda host: host_probe.parse(self.run(host, host_probe.command(names))))

    @cached_property
    def states(self) -> Mapping[str, HostState]:
        """Every host as a deploy reads it."""
        return self._each(self._state)

    def _state(self, name: str) -> HostState:
        read = reading(self.fleet, self.fleet.member(name), self.secrets, self.components)
        script = host_state.script(read.wanted, read.paths, read.texts, dict(read.probes), read.directories)
        state = host_state.parse(self.run(name, script), read.wanted.images)
        if state.engine_error:
            raise RollcallError(f"{name}: {state.engine_error}")
        return state

    def listeners(self) -> Mapping[str, frozenset[Listener]]:
        """See who listens on each host, of Rollcall's containers and of others."""
        return self._each(
            lambda host: with_published(
                listeners.parse(self.run(host, listeners.command())), self.surveys[host].managed
            )
        )

    def _each(self, look: Callable[[str], Looked]) -> Mapping[str, Looked]:
        """Look at every host, side by side."""

        def understood(name: str) -> Looked:
            try:
                return look(name)
            except ValueError as error:
                raise RollcallError(f"{name}: {error}; run the same command again.") from None

        with ThreadPoolExecutor(max_workers=len(self.hosts)) as pool:
            return dict(zip(self.hosts, pool.map(understood, self.hosts), strict=True))

    def run(self, name: str, command: str) -> str:
        """Run a shell command on a host and return what it prints. Raises RollcallError when it fails."""
        return self.shells[name].read(command, timeout_seconds=COMMAND_SECONDS)

    def docker(self, name: str, *arguments: str) -> str:
        """Run docker on a host."""
        return self.run(name, shlex.join(["docker", *arguments]))

    def shown(self, name: str, command: str = "") -> str:
        """Give the command line by which a person does the same on that host."""
        return ssh.shown(self.hosts[name], command)

    def expected(self, member: Member) -> Expected:
        """Return the services that the running containers of a host should have, by its registrator's own rule."""
        return expected(self.surveys[member.name].containers, self.registrator(member))

    def registrator(self, member: Member) -> Settings:
        """Return what a host's registrator goes by; where none runs, what the settings would have told it."""
        tags = ",".join(member.settings.registrator.tags)
        deployed = settings(member.node, member.address, internal=self.fleet.mode == "internal", tags=tags)
        running = self.surveys[member.name].component("registrator")
        return registrator_settings(running, deployed) if running else deployed

    def nginx_sites(self, front: Member) -> NginxSites:
        """Read what a front's nginx serves now."""
        return nginx_sites.parse(self.run(front.name, host_probe.NGINX_SITES))

    def ask_front(self, member: Member, path: str = "/", headers: Mapping[str, str] | None = None) -> Response:
        """Send a request to a front."""
        return request(self.endpoints[member.name][front_endpoint(member)], member, path, headers or {})


@contextmanager
def connected(
    source: str, inventory: Inventory, fleet: Fleet, secrets: Secrets, components: Sequence[Component]
) -> Iterator[Cluster]:
    """Open a tunnel and a shell to every host; all are gone when the block ends."""
    with ExitStack() as stack:
        sockets = stack.enter_context(tempfile.TemporaryDirectory(prefix="rollcall-"))
        tunnels = [_tunnel(host, fleet.member(host.name)) for host in inventory.hosts]
        with ThreadPoolExecutor(max_workers=len(tunnels)) as pool:
            opening = [pool.submit(one.__enter__) for one in tunnels]
        for one, opened in zip(tunnels, opening, strict=True):
            if opened.exception() is None:
                stack.push(one.__exit__)
        names = [host.name for host in inventory.hosts]
        endpoints = {name: opened.result() for name, opened in zip(names, opening, strict=True)}
        cluster = Cluster(source, inventory, fleet, secrets, components=components, endpoints=endpoints)
        for host in inventory.hosts:
            cluster.shells[host.name] = stack.enter_context(run.connected(host, sockets))
        yield cluster


def agent_by_tls(member: Member) -> Endpoint:
    """Return where a host's agent answers other hosts by HTTPS."""
    return (member.address, 8501)


def _tunnel(host: Host, member: Member) -> Any:
    front = [front_endpoint(member), front_by_tls(member)] if member.is_front else []
    return tunnel.tunnel(host, list(dict.fromkeys([local_agent.ENDPOINT, agent_by_tls(member), *front])))
