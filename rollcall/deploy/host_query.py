"""Select what to read from a host, to compare it with the desired resources."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rollcall.components import backups, consul, declared, node_id, resolver, resolver_files
from rollcall.components.component import Component, Context, HostFacts
from rollcall.config.fleet import Fleet, Member
from rollcall.converge.docker_query import Wanted
from rollcall.converge.host_state import ROOT, HostState
from rollcall.converge.resources import Container, Directory, Network, Resource, Volume
from rollcall.secrets.store import Secrets

RESOLVER_PROBE, NODE_PROBE = "resolver", "node"
# Placeholder facts: they affect the desired contents, but not what to read.
_UNKNOWN = HostFacts("0.0.0.0", "docker0", resolver.Resolver(""), 0)  # noqa: S104


@dataclass(frozen=True)
class Reading:
    """The arguments of `host_state.script`.

    `wanted` is what to look up in the engine, `paths` are files outside /etc/rollcall to digest, `texts` files to read
    whole, `directories` directories to list without their contents, and `probes` further commands by name.
    """

    wanted: Wanted
    paths: tuple[str, ...]
    texts: tuple[str, ...]
    directories: tuple[str, ...] = ()
    probes: tuple[tuple[str, str], ...] = ()


def reading(fleet: Fleet, member: Member, secrets: Secrets, components: Sequence[Component]) -> Reading:
    """Return what to read from one host."""
    parts = declared.resources(Context(fleet, member, _UNKNOWN, secrets), components)
    resources = [resource for part in parts.values() for resource in part]
    networks = {network for component in components for network in component.networks}
    volumes = {volume for component in components for volume in component.volumes}
    retired = sorted(
        resource.retired for resource in resources if isinstance(resource, Container) and resource.readiness_command
    )
    return Reading(
        wanted=Wanted(
            containers=(*_names(resources, Container), *retired),
            images=tuple(sorted({resource.image for resource in resources if isinstance(resource, Container)})),
            networks=tuple(sorted({*networks, *_names(resources, Network), *_joined(resources)})),
            volumes=tuple(sorted({*volumes, *_names(resources, Volume)})),
        ),
        paths=resolver_files.PATHS,
        texts=(*resolver.TEXTS, *resolver_files.TEXTS, consul.IDENTITY, consul.AGENT, consul.SERVERS, backups.SETTINGS),
        directories=tuple(
            resource.path
            for resource in resources
            if isinstance(resource, Directory) and not resource.path.startswith(f"{ROOT}/")
        ),
        probes=(
            (RESOLVER_PROBE, resolver.PROBE),
            *(() if member.is_server else ((NODE_PROBE, node_id.PROBE),)),
        ),
    )


def facts(state: HostState) -> HostFacts:
    """Return the facts that components depend on."""
    found = resolver.read(state.texts, state.probes.get(RESOLVER_PROBE, ""))
    return HostFacts(
        bridge=state.bridge,
        bridge_interface=state.bridge_interface,
        resolver=found,
        socket_group=state.socket_group,
        interfaces=state.interfaces,
        memory=state.machine.memory,
        node_id=node_id.read(state.probes.get(NODE_PROBE, "")),
    )


def _names(resources: Iterable[Resource], kind: type[Container | Network | Volume]) -> tuple[str, ...]:
    return tuple(sorted(resource.name for resource in resources if isinstance(resource, kind)))


def _joined(resources: Iterable[Resource]) -> set[str]:
    return {resource.network for resource in resources if isinstance(resource, Container)}
