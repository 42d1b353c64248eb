"""Take a host or a container out of service, wait until nothing is connected to it, and put it back."""

from collections.abc import Sequence

from rollcall.config.fleet import Fleet
from rollcall.config.inventory import Inventory
from rollcall.consul import maintenance
from rollcall.consul.agent_client import AgentClient, Request
from rollcall.drain import instances
from rollcall.drain.instances import Instance
from rollcall.drain.remaining import Remaining
from rollcall.drain.target import Target
from rollcall.drain.waiting import DrainCheck, wait
from rollcall.registrator.services.identity import path_segment
from rollcall.remote.run import Shell


class Draining:
    """The drain of one target, as its instances are now.

    Args:
        chosen: the inventory's hosts.
        fleet: the fleet.
        target: the host or container.
        agent: the agent of the target's host.
    """

    def __init__(self, chosen: Inventory, fleet: Fleet, target: Target, agent: AgentClient) -> None:
        """Read what runs on the host. Raises RollcallError: host or agent do not respond."""
        self._agent = agent
        self._target = target
        running = instances.containers(Shell(agent.host).read(instances.LIST))
        self.drained = instances.of(target, instances.instances(agent.read("/v1/agent/services")), running)
        hosts = {host.name: host for host in chosen.hosts}
        self._check = DrainCheck(
            fleet, target.member, self.drained, running, lambda name, command: Shell(hosts[name]).read(command)
        )

    def alone(self) -> list[str]:
        """Return the services without any other instance in service than the drained ones."""
        names = sorted({instance.service for instance in self.drained})
        answers = self._agent.read_all([f"/v1/health/service/{path_segment(name)}?passing=true" for name in names])
        out_soon = {(self._target.member.node, instance.identity) for instance in self.drained}
        passing = [{(one["Node"]["Node"], one["Service"]["ID"]) for one in found} for found in answers]
        return [name for name, serving in zip(names, passing, strict=True) if serving and serving <= out_soon]

    def start(self, reason: str = maintenance.REASON) -> None:
        """Take the target out of service, as far as it is registered still: a container may end at any time."""
        self._agent.write(*requests(self._target, self.drained, enable=True, reason=reason), missing_ok=True)

    def wait(self, seconds: float) -> Remaining:
        """Wait until nothing is connected, for at most these seconds; return what remains."""
        return wait(self._check, seconds)

    def words(self, left: Remaining) -> str:
        """Describe what remains in a sentence."""
        return self._check.words(left)


def requests(
    target: Target, chosen: Sequence[Instance], *, enable: bool, reason: str = maintenance.REASON
) -> list[Request]:
    """Return the requests that take a target out of service, or put it back."""
    if not target.container:
        return [maintenance.of_node(enable=enable, reason=reason)]
    return [maintenance.of_service(instance.identity, enable=enable, reason=reason) for instance in chosen]


def alone_sentence(service: str) -> str:
    """Warn about a service that nobody else serves."""
    return f"– no other instance of {service} is in service; its requests will fail"
