"""Read and change a host's containers of services, its agent, and the fronts, over pyinfra's connections."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pyinfra.api.exceptions import ConnectError
from pyinfra.api.host import Host

from rollcall.config.fleet import Fleet, Member
from rollcall.consul import curl, maintenance
from rollcall.consul.agent_client import NOT_FOUND, Request
from rollcall.contract import front_lists
from rollcall.deploy import callbacks
from rollcall.deploy.consul import agent_requests
from rollcall.drain import instances
from rollcall.drain.waiting import DrainCheck, wait
from rollcall.errors import RollcallError
from rollcall.program_output import reason
from rollcall.services import commands, observed
from rollcall.services.observed import REASON, Registered, Running


@dataclass(frozen=True)
class Seen:
    """A host's containers of some names, and what its agent has."""

    containers: Mapping[str, Running]
    services: Mapping[str, Any]
    checks: Mapping[str, Any]

    def ports(self, container: Running) -> list[Registered]:
        """Return a container's services in Consul."""
        return observed.registered(self.services, self.checks, container.identity)


@dataclass(frozen=True)
class ServiceHost:
    """One host during a release. The token may change services."""

    host: Host
    fleet: Fleet
    member: Member
    token: str = field(repr=False)

    def see(self, names: Sequence[str]) -> Seen:
        """Read the containers and the agent.

        Raises:
            RollcallError: the engine or the agent does not respond.
        """
        found = observed.containers(self.run(commands.inspect(names)))
        services, checks = self.ask(Request("GET", "/v1/agent/services"), Request("GET", "/v1/agent/checks"))
        return Seen(found, json.loads(services), json.loads(checks))

    def run(self, command: str, stdin: str = "") -> str:
        """Run a command on the host and return its output. Raises RollcallError: it failed."""
        return self.read(self.member.name, command, stdin)

    def read(self, name: str, command: str, stdin: str = "") -> str:
        """Run a command on a host of the fleet and return its output.

        Raises:
            RollcallError: it failed, or the host is not reachable.
        """
        done, output = callbacks.run(self._named(name), command, stdin)
        if not done:
            raise RollcallError(f"on {name}: {reason(output.stderr, output.stdout) or 'no output'}")
        return output.stdout

    def try_on(self, name: str, command: str, stdin: str = "") -> tuple[bool, list[str]]:
        """Run a command on a host of the fleet; return whether it succeeded, and its output.

        Raises:
            RollcallError: the host is not reachable.
        """
        done, output = callbacks.run(self._named(name), command, stdin)
        return done, output.stdout.splitlines()

    def _named(self, name: str) -> Host:
        return self.host if name == self.member.name else self._other(name)

    def _other(self, name: str) -> Host:
        """Return another host of the fleet, which a limit of this run may have left out."""
        host: Host = self.host.state.inventory.get_host(name)
        if not host.connected:
            try:
                host.connect(show_errors=False, raise_exceptions=True)
            except ConnectError as problem:
                raise RollcallError(f"{name} is not reachable: {problem}") from None
        return host

    def read_key(self, path: str) -> str:
        """Return the body of a response, empty where there is no such key; see `ask`."""
        (response,) = self._responses([Request("GET", path)], curl.OK, NOT_FOUND)
        return response.body if response.status == curl.OK else ""

    def ask(self, *requests: Request) -> list[str]:
        """Send requests to the host's agent and return the bodies. Raises RollcallError: one of them failed."""
        return [response.body for response in self._responses(requests, curl.OK)]

    def _responses(self, requests: Sequence[Request], *accepted: int) -> list[curl.Response]:
        """Send requests to the host's agent. Raises RollcallError: one of them has a status that is not accepted."""
        responses = agent_requests.responses(self.host, requests, self.token)
        if wrong := next((response for response in responses if response.status not in accepted), None):
            raise RollcallError(f"the Consul agent of {self.member.name}: {wrong}")
        return responses

    def set_maintenance(self, identities: Sequence[str], *, enable: bool) -> bool:
        """Take services out, or put them back; return whether all of them are registered still.

        Raises:
            RollcallError: the agent does not respond, or refuses.
        """
        if not identities:
            return True
        requests = [maintenance.of_service(identity, enable=enable, reason=REASON) for identity in identities]
        return all(response.status == curl.OK for response in self._responses(requests, curl.OK, NOT_FOUND))

    def drain(self, container: Running, seen: Seen, timeout: float) -> str:
        """Take a container out of service, and wait for its last connection; return what is left of them."""
        ports = seen.ports(container)
        if not ports or not container.runs:
            return ""
        if not self.set_maintenance([port.identity for port in ports if port.maintenance is None], enable=True):
            # Its registrations changed after they were read, as those of a container that crashes do.
            seen = self.see([container.name])
            found = seen.containers.get(container.name)
            return self.drain(found, seen, timeout) if found else ""
        running = instances.containers(self.run(instances.LIST))
        own = {port.identity for port in ports}
        drained = [one for one in instances.instances(seen.services) if one.identity in own]
        check = DrainCheck(self.fleet, self.member, drained, running, self.read)
        left = wait(check, timeout)
        return check.words(left) if left else ""

    def missing_at_fronts(self, ports: Sequence[Registered]) -> list[str]:
        """Return what fronts should list of a container and do not, one sentence for each front."""
        missing: list[str] = []
        for front in self.fleet.fronts:
            try:
                document = self.read(front.name, front_lists.STATUS)
                names = observed.missing_at(document, front.settings.front, self.member.node, ports)
            except (RollcallError, ValueError) as problem:
                missing.append(f"{front.name} cannot be read: {problem}")
            else:
                missing += [f"{front.name} does not list {', '.join(names)}"] if names else []
        return missing
