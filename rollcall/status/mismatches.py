"""Find where Docker, Consul and nginx disagree about an instance."""

from collections.abc import Iterable, Mapping

from rollcall.config.fleet import Fleet
from rollcall.contract.problems import Problem
from rollcall.contract.status_document import Document
from rollcall.converge.docker_query import LABEL
from rollcall.registrator.services.expected import expected, registrator_settings, settings
from rollcall.registrator.settings import Settings
from rollcall.status.host import Host
from rollcall.status.host_status import Registered
from rollcall.status.troubles import Trouble


def found(fleet: Fleet, hosts: Iterable[Host], fronts: Mapping[str, Document]) -> Iterable[Trouble]:
    """Yield each difference, and what containers ask for in vain."""
    for name, front in fronts.items():
        yield from _not_as_consul_says(name, front)
    for host in hosts:
        if host.reading.registered is not None:
            yield from _not_as_docker_says(fleet, host, host.reading.registered)


def _not_as_consul_says(name: str, front: Document) -> Iterable[Trouble]:
    for service in front["services"]:
        for instance in service["instances"]:
            # Retained instances are among the front's own problems.
            if instance["share"] is not None and instance["state"] not in ("passing", "kept"):
                yield Trouble(
                    name,
                    Problem("mismatch", f"{instance['id']} gets requests, but Consul has it as {instance['state']}"),
                )


def _not_as_docker_says(fleet: Fleet, host: Host, registered: Iterable[Registered]) -> Iterable[Trouble]:
    rule = _registrator(fleet, host)
    wanted = expected(host.reading.containers, rule)
    # Other tools may register services with the same agent.
    found = {
        instance.identity
        for instance in registered
        if instance.registrator == rule.hostname or instance.identity.startswith(f"{rule.hostname}:")
    }
    known = {instance.identity for instance in registered}
    for identity in sorted(wanted.services.keys() - known):
        yield Trouble(host.member.name, Problem("mismatch", f"{identity} runs, but is not registered"))
    for text in wanted.losses:
        yield Trouble(host.member.name, Problem("mismatch", text))
    for identity in sorted(found - wanted.services.keys()):
        text = f"{identity} is registered, but its container does not run"
        yield Trouble(host.member.name, Problem("mismatch", text))
    for text in wanted.remarks:
        yield Trouble(host.member.name, Problem("metadata", text))


def _registrator(fleet: Fleet, host: Host) -> Settings:
    """Return the settings of the host's running registrator, or those of a deploy if none runs."""
    member = host.member
    tags = ",".join(member.settings.registrator.tags)
    deployed = settings(member.node, member.address, internal=fleet.mode == "internal", tags=tags)
    for container in host.reading.containers:
        if (container["Config"].get("Labels") or {}).get(LABEL) == "registrator":
            return registrator_settings(container, deployed)
    return deployed
