"""A deployed cluster as a user finds it: its agents, its catalog, its fronts, and a shell on each host."""

import http.client
import re
import shlex
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeVar

import consul
import requests

from rollcall.components.component import Component
from rollcall.config.fleet import Fleet, Member
from rollcall.config.inventory import Host, Inventory
from rollcall.consul import kv, maintenance
from rollcall.consul.pick_agent import AGENT
from rollcall.contract.expected_services import Rules, Service, services
from rollcall.converge import host_state
from rollcall.converge.host_state import HostState
from rollcall.deploy.host_query import reading
from rollcall.errors import RollcallError
from rollcall.remote import run, ssh, tunnel
from rollcall.remote.run import Shell
from rollcall.remote.tunnel import Endpoint
from rollcall.secrets.store import Secrets
from rollcall.verify import host_probe, listeners, nginx_sites
from rollcall.verify.host_probe import Survey
from rollcall.verify.listeners import Listener, with_published
from rollcall.verify.nginx_sites import NginxSites
from rollcall.verify.tls_probe import unverified

# An agent answers from memory, in milliseconds; this also covers an election in the middle of the question.
ANSWER_SECONDS = 5.0
# Stopping several containers one after the other, each ignoring its stop signal, is the longest of all.
COMMAND_SECONDS = 120
UNANSWERED = (requests.RequestException, consul.ConsulException)
# How many names of a large catalog are looked up on every host.
NAMES = 12

Looked = TypeVar("Looked")


@dataclass(frozen=True)
class Instance:
    """One entry of the catalog. `maintenance`: somebody took it, or its whole node, out of service."""

    id: str
    service: str
    node: str
    address: str
    port: int
    tags: frozenset[str]
    passing: bool
    maintenance: bool = False

    @property
    def endpoint(self) -> str:
        """Where it answers, as nginx writes it."""
        return f"{self.address}:{self.port}"


@dataclass(frozen=True)
class Response:
    """What a front answered. Status 0: nothing at all."""

    status: int
    body: str


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
        token = secrets.tokens.secret("operator")
        self.agents = {name: _agent(where[AGENT], token) for name, where in endpoints.items()}
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

    def any_agent(self) -> consul.Consul:
        """Return the first agent that knows a leader. Raises RollcallError when none does."""
        for agent in self.agents.values():
            try:
                if agent.status.leader():
                    return agent
            except UNANSWERED:
                continue
        names = ", ".join(self.agents)
        raise RollcallError(
            f"no Consul agent of {names} answers with a leader on its host's port {AGENT[1]}; "
            f"run `rollcall deploy {self.source}`, then `docker logs consul` on a host that still does not."
        )

    def instances(self) -> tuple[Instance, ...]:
        """Read the whole catalog, except Consul's own service."""
        agent = self.any_agent()
        _, names = agent.catalog.services()
        found: list[Instance] = []
        for name in sorted(set(names) - {"consul"}):
            _, entries = agent.health.service(name)
            found.extend(_instance(entry) for entry in entries)
        return tuple(found)

    def front_keys(self) -> Mapping[str, str]:
        """Read what people tell the fronts by Consul's keys below rollcall/front/, without that prefix."""
        _, entries = self.any_agent().kv.get(kv.PREFIX, recurse=True)
        return {one["Key"].removeprefix(kv.PREFIX): (one["Value"] or b"").decode() for one in entries or ()}

    def drained_nodes(self) -> frozenset[str]:
        """Name the nodes that somebody took out of service as a whole."""
        _, checks = self.any_agent().health.state("critical")
        return maintenance.nodes(checks)

    def behind(self, member: Member, instances: Sequence[Instance]) -> tuple[Instance, ...]:
        """Return the instances that a front should balance over: passing, of its settings' services."""
        chosen = []
        for query in member.settings.front.services:
            tag, _, name = query.rpartition(".")
            chosen += [one for one in instances if one.passing and one.service == name and (not tag or tag in one.tags)]
        return tuple(dict.fromkeys(chosen))

    def look(self) -> None:
        """Survey every host, side by side, with names that the catalog has now.

        Raises:
            RollcallError: a host cannot be surveyed, or Consul tells nothing.
        """
        try:
            self.names = dns_names(self.instances(), self.domain)
        except consul.ACLPermissionDenied as problem:
            raise RollcallError(
                f"Consul does not take the operator's token as the secrets of {self.source} give it ({problem}); "
                "right is the folder it was deployed from, or a deploy"
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
        script = host_state.script(read.wanted, read.paths, read.texts, directories=read.directories)
        return host_state.parse(self.run(name, script), read.wanted.images)

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

    def expected(self, member: Member) -> tuple[Service, ...]:
        """Return the services that the running containers of a host should have."""
        return services(self.surveys[member.name].containers, self.rules(member))

    def rules(self, member: Member) -> Rules:
        """Return what a host's registrator goes by; where none runs, what the settings would have told it."""
        registrator = self.surveys[member.name].component("registrator")
        if registrator:
            return Rules.of(registrator, member.address)
        internal, tags = self.fleet.mode == "internal", ",".join(member.settings.registrator.tags)
        return Rules(member.node, member.address, internal, explicit=False, ip=None, tags=tags)

    def nginx_sites(self, front: Member) -> NginxSites:
        """Read what a front's nginx serves now."""
        return nginx_sites.parse(self.run(front.name, host_probe.NGINX_SITES))

    def ask_front(self, member: Member, path: str = "/", headers: Mapping[str, str] | None = None) -> Response:
        """Ask a front over a connection of its own, as a new visitor would."""
        address, port = self.endpoints[member.name][front_endpoint(member)]
        connection = _connection(address, port, tls=bool(member.settings.front.redirect))
        try:
            connection.request("GET", path, headers={"Host": member.site_name, **(headers or {})})
            response = connection.getresponse()
            return Response(response.status, response.read().decode(errors="replace"))
        except (OSError, http.client.HTTPException):
            return Response(0, "")
        finally:
            connection.close()


def unanswered(problem: Exception) -> str:
    """Say of an agent what came instead of its answer: a refusal in Consul's words, or nothing."""
    if isinstance(problem, consul.ConsulException):
        return f"its agent refuses the question: {problem}"
    return f"its agent does not answer on port {AGENT[1]}"


def dns_names(instances: Sequence[Instance], domain: str) -> tuple[str, ...]:
    """Name everything in the catalog that DNS should answer for: services with a passing instance, and tags."""
    names = {f"consul.service.{domain}": None}
    for one in instances:
        # A service whose name DNS cannot carry is found over HTTP only.
        labels = [label for label in (one.service, *sorted(one.tags)) if re.fullmatch("[A-Za-z0-9-]+", label)]
        if one.passing and one.service in labels:
            names[f"{one.service}.service.{domain}"] = None
            names.update({f"{tag}.{one.service}.service.{domain}": None for tag in labels[1:]})
    return tuple(names)[:NAMES]


def front_endpoint(member: Member) -> Endpoint:
    """Return where a front serves its site, as its host sees it: by HTTPS where plain HTTP only leads there."""
    front = member.settings.front
    return (front.address or "127.0.0.1", front.https_port if front.redirect else front.http_port)


def _connection(address: str, port: int, *, tls: bool) -> http.client.HTTPConnection:
    if not tls:
        return http.client.HTTPConnection(address, port, timeout=ANSWER_SECONDS)
    # Who signed the certificate is the visitors' matter, and the address is a tunnel's end.
    return http.client.HTTPSConnection(address, port, timeout=ANSWER_SECONDS, context=unverified())


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


def front_by_tls(member: Member) -> Endpoint:
    """Return where a front answers by HTTPS, as its host sees it."""
    return (member.settings.front.address or "127.0.0.1", member.settings.front.https_port)


def _tunnel(host: Host, member: Member) -> Any:
    front = [front_endpoint(member), front_by_tls(member)] if member.is_front else []
    return tunnel.tunnel(host, list(dict.fromkeys([AGENT, agent_by_tls(member), *front])))


def _agent(endpoint: Endpoint, token: str) -> consul.Consul:
    agent = consul.Consul(host=endpoint[0], port=endpoint[1], scheme="http", connections_timeout=ANSWER_SECONDS)
    # The library would let CONSUL_HTTP_TOKEN of the user's environment count more, and some of its calls send no token.
    agent.token = None
    agent.http.session.headers["X-Consul-Token"] = token
    # A tunnel's end on this machine is not to be asked for through the machine's proxy.
    agent.http.session.trust_env = False
    return agent


def _instance(entry: Mapping[str, Any]) -> Instance:
    service = entry["Service"]
    return Instance(
        id=service["ID"],
        service=service["Service"],
        node=entry["Node"]["Node"],
        address=service["Address"] or entry["Node"]["Address"],
        port=service["Port"],
        tags=frozenset(service["Tags"] or ()),
        passing=all(check["Status"] == "passing" for check in entry["Checks"]),
        maintenance=maintenance.among(entry["Checks"], service["ID"]),
    )
