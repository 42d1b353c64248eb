"""Connect to a deployed cluster: its agents, its catalog, its fronts, and a shell on each host."""

import shlex
import tempfile
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
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
from rollcall.contract.timeouts import stretched
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
from rollcall.remote import parallel, run, ssh, tunnel
from rollcall.remote.run import Shell
from rollcall.remote.tunnel import Endpoint
from rollcall.secrets.store import Secrets
from rollcall.services.as_running import as_running
from rollcall.verify import host_probe, listeners, nginx_sites, nginx_streams
from rollcall.verify.catalog import AGENT_ERRORS, Catalog, dns_names
from rollcall.verify.front_requests import Response, front_by_tls, front_endpoint, request
from rollcall.verify.host_probe import HostProbe
from rollcall.verify.listeners import Listener, with_published
from rollcall.verify.nginx_sites import NginxSites
from rollcall.verify.nginx_streams import Streams

# The longest command stops several containers in turn, each of which ignores its stop signal.
COMMAND_TIMEOUT_SECONDS = 120

Looked = TypeVar("Looked")


class Cluster:
    """The hosts to check and the connections to them."""

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
        """Take the inventory, its name as the user typed it, and the local endpoint of each remote address."""
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
        self.probes: Mapping[str, HostProbe] = {}
        self.names: tuple[str, ...] = ()
        # By the monotonic clock: what settles after a change has settled a while after this.
        self.begun = time.monotonic()
        self._probed: dict[str, float] = {}

    @property
    def domain(self) -> str:
        """Return the top-level domain of the catalog."""
        return self.members[0].settings.consul.domain

    @property
    def fronts(self) -> tuple[Member, ...]:
        """Return the hosts with nginx."""
        return tuple(member for member in self.members if member.is_front)

    @property
    def mend(self) -> str:
        """Name the command that brings the hosts to what is declared: a deploy, or an interrupted rotation again."""
        if self.secrets.unfinished:
            return f"rollcall rotate {self.source} {self.secrets.unfinished[0]}  (finishes an interrupted rotation)"
        return f"rollcall deploy {self.source}"

    def probe(self) -> None:
        """Probe every host in parallel, with the catalog's current names.

        Raises:
            RollcallError: a host cannot be probed, or Consul does not return its catalog.
        """
        try:
            self.names = dns_names(self.catalog.instances(), self.domain)
        except consul.ACLPermissionDenied as problem:
            raise RollcallError(
                f"Consul refuses the operator's token in the secrets of {self.source} ({problem}); "
                "run this in the folder it was deployed from, or deploy again"
            ) from None
        except AGENT_ERRORS as problem:
            raise RollcallError(f"Consul does not return its catalog: {problem}") from None
        self.probes = self._probe(tuple(self.hosts))

    def probe_again(self, settled_seconds: float, hosts: Collection[str]) -> None:
        """Probe these hosts once more, with the same names.

        A probe that began this many seconds, stretched, after the run holds: that host is not probed again.

        Raises:
            RollcallError: a host cannot be probed.
        """
        settled = self.begun + stretched(settled_seconds)
        early = [name for name in self.hosts if name in hosts and self._probed[name] < settled]
        self.probes = {**self.probes, **self._probe(early)}

    def probe_containers(self) -> None:
        """Probe every host's containers again; keep the results about names."""
        seen = self._each(lambda host: host_probe.parse(self.run(host, host_probe.command(()))))
        self.probes = {name: replace(self.probes[name], containers=seen[name].containers) for name in seen}

    def _probe(self, hosts: Sequence[str]) -> Mapping[str, HostProbe]:
        def probed(host: str) -> HostProbe:
            self._probed[host] = time.monotonic()
            return host_probe.parse(self.run(host, host_probe.command(self.names)))

        return self._each(probed, hosts)

    @cached_property
    def states(self) -> Mapping[str, HostState]:
        """Return every host's state as a deploy reads it."""
        return self._each(self._state)

    def as_running(self, name: str) -> Member:
        """Return a host with its services' tags as the digests that its containers have."""
        images = {one["Name"].lstrip("/"): str(one["Config"]["Image"]) for one in self.probes[name].managed}
        return as_running(self.fleet.member(name), images)

    def _state(self, name: str) -> HostState:
        read = reading(self.fleet, self.as_running(name), self.secrets, self.components)
        script = host_state.script(read.wanted, read.paths, read.texts, dict(read.probes), read.directories)
        state = host_state.parse(self.run(name, script), read.wanted.images)
        if state.engine_error:
            raise RollcallError(f"{name}: {state.engine_error}")
        return state

    def listeners(self) -> Mapping[str, frozenset[Listener]]:
        """Return the listeners on each host, of Rollcall's containers and of others."""
        return self._each(
            lambda host: with_published(listeners.parse(self.run(host, listeners.command())), self.probes[host].managed)
        )

    def _each(self, look: Callable[[str], Looked], hosts: Sequence[str] | None = None) -> Mapping[str, Looked]:
        """Call a function for each host, by default for all, for as many at once as `parallel` says."""
        names = tuple(self.hosts) if hosts is None else hosts

        def understood(name: str) -> Looked:
            try:
                return look(name)
            except ValueError as error:
                raise RollcallError(f"{name}: {error}; run the same command again") from None

        return dict(zip(names, parallel.on_each(names, understood, parallel.workers(len(names))), strict=True))

    def run(self, name: str, command: str) -> str:
        """Run a shell command on a host and return its output; raise RollcallError if it fails."""
        return self.shells[name].read(command, timeout_seconds=COMMAND_TIMEOUT_SECONDS)

    def docker(self, name: str, *arguments: str) -> str:
        """Run docker on a host."""
        return self.run(name, shlex.join(["docker", *arguments]))

    def command_line(self, name: str, command: str = "") -> str:
        """Return the command line by which a person runs a command on that host."""
        return ssh.shown(self.hosts[name], command)

    def expected(self, member: Member) -> Expected:
        """Return the services that a host's running containers should have, by the registrator's own rule."""
        return expected(self.probes[member.name].containers, self.registrator(member))

    def registrator(self, member: Member) -> Settings:
        """Return the settings of a host's running registrator, or those of a deploy if none runs."""
        tags = ",".join(member.settings.registrator.tags)
        deployed = settings(member.node, member.address, internal=self.fleet.mode == "internal", tags=tags)
        running = self.probes[member.name].component("registrator")
        return registrator_settings(running, deployed) if running else deployed

    def nginx_sites(self, front: Member) -> NginxSites:
        """Read the sites that a front's nginx serves now."""
        return nginx_sites.parse(self.run(front.name, host_probe.NGINX_SITES))

    def nginx_streams(self, front: Member) -> Streams:
        """Read the streams that a front's nginx passes on now."""
        return nginx_streams.parse(self.run(front.name, nginx_streams.COMMAND))

    def request_front(self, member: Member, path: str = "/", headers: Mapping[str, str] | None = None) -> Response:
        """Send a request to a front."""
        return request(self.endpoints[member.name][front_endpoint(member)], member, path, headers or {})


@contextmanager
def connected(
    source: str, inventory: Inventory, fleet: Fleet, secrets: Secrets, components: Sequence[Component]
) -> Iterator[Cluster]:
    """Open a tunnel and a shell to every host, and close them at the end of the block."""
    with ExitStack() as stack:
        sockets = stack.enter_context(tempfile.TemporaryDirectory(prefix="rollcall-"))
        tunnels = [_tunnel(host, fleet.member(host.name)) for host in inventory.hosts]
        with ThreadPoolExecutor(max_workers=parallel.workers(len(tunnels))) as pool:
            opening = [pool.submit(tunnel.__enter__) for tunnel in tunnels]
        for closing, opened in zip(tunnels, opening, strict=True):
            if opened.exception() is None:
                stack.push(closing.__exit__)
        names = [host.name for host in inventory.hosts]
        endpoints = {name: opened.result() for name, opened in zip(names, opening, strict=True)}
        cluster = Cluster(source, inventory, fleet, secrets, components=components, endpoints=endpoints)
        for host in inventory.hosts:
            cluster.shells[host.name] = stack.enter_context(run.connected(host, sockets))
        yield cluster


def agent_by_tls(member: Member) -> Endpoint:
    """Return where a host's agent serves HTTPS to other hosts."""
    return (member.address, 8501)


def _tunnel(host: Host, member: Member) -> Any:
    front = [front_endpoint(member), front_by_tls(member)] if member.is_front else []
    return tunnel.tunnel(host, list(dict.fromkeys([local_agent.ENDPOINT, agent_by_tls(member), *front])))
