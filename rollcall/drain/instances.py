"""Read the instances of a host's own agent, and the network in which each accepts connections."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rollcall.did_you_mean import suggestion
from rollcall.drain.connections import HOST, Port
from rollcall.drain.target import Target
from rollcall.errors import RollcallError
from rollcall.registrator.services.identity import MARK_CONTAINER

# Only the fields that are read here: a whole inspect document takes ten kilobytes.
FORMAT = (
    '{"Id":{{json .Id}},"Name":{{json .Name}},"Mode":{{json .HostConfig.NetworkMode}},'
    '"Ports":{{json .NetworkSettings.Ports}},"Networks":{{json .NetworkSettings.Networks}}}'
)
# `|| true`: a container may have gone since the first line.
LIST = f"""
running=$(docker ps --quiet --no-trunc) || exit 1
[ -z "$running" ] || docker inspect --type container --format '{FORMAT}' $running 2>/dev/null || true
"""


@dataclass(frozen=True)
class Container:
    """A running container: its own addresses, and its TCP ports by published host port."""

    identity: str
    name: str
    network: str
    addresses: frozenset[str]
    published: Mapping[int, int]


@dataclass(frozen=True)
class Instance:
    """A service of one agent. `container` is a short id, empty unless a registrator registered it."""

    identity: str
    service: str
    address: str
    port: int
    container: str
    takes_connections: bool


def containers(output: str) -> tuple[Container, ...]:
    """Parse the output of LIST."""
    return tuple(_container(json.loads(line)) for line in output.split("\n") if line)


def _container(document: Mapping[str, Any]) -> Container:
    networks = (document["Networks"] or {}).values()
    published = {
        int(binding["HostPort"]): int(key.removesuffix("/tcp"))
        for key, bindings in (document["Ports"] or {}).items()
        if key.endswith("/tcp")
        for binding in bindings or ()
    }
    return Container(
        identity=document["Id"],
        name=document["Name"].lstrip("/"),
        network=document["Mode"],
        addresses=frozenset(network["IPAddress"] for network in networks if network.get("IPAddress")),
        published=published,
    )


def instances(document: Mapping[str, Mapping[str, Any]]) -> tuple[Instance, ...]:
    """Parse the response to /v1/agent/services, without Consul's own service."""
    return tuple(
        Instance(
            identity=service["ID"],
            service=service["Service"],
            address=service.get("Address") or "",
            port=service.get("Port") or 0,
            container=(service.get("Meta") or {}).get(MARK_CONTAINER, ""),
            # The registrator tags UDP services, which have no connections.
            takes_connections="udp" not in (service.get("Tags") or ()),
        )
        for service in document.values()
        if service["Service"] != "consul"
    )


def of(target: Target, found: Sequence[Instance], running: Sequence[Container]) -> tuple[Instance, ...]:
    """Return a target's instances.

    Raises:
        RollcallError: the target is a container that does not run there or has no service.
    """
    if not target.container:
        return tuple(found)
    chosen = [container for container in running if container.name == target.container]
    if not chosen:
        raise RollcallError(
            f"{target.member.name} runs no container {target.container!r}; "
            f"{suggestion(target.container, (container.name for container in running))}"
        )
    own = tuple(
        instance for instance in found if instance.container and chosen[0].identity.startswith(instance.container)
    )
    if not own:
        raise RollcallError(
            f"{target} has no service in Consul and gets no requests; "
            "expected a container that the registrator has registered, or the whole host"
        )
    return own


def ports(chosen: Iterable[Instance], running: Sequence[Container]) -> dict[Port, str]:
    """Return the ports where the connections to these instances end, each with the instance's id."""
    return {port(instance, running): instance.identity for instance in chosen if instance.takes_connections}


def port(instance: Instance, running: Sequence[Container]) -> Port:
    """Return the port where the connections to an instance end."""
    container = next(
        (
            candidate
            for candidate in running
            if instance.container and candidate.identity.startswith(instance.container)
        ),
        None,
    )
    if container is None or container.network == "host":
        return Port(HOST, instance.port)
    # A container on another one's network uses that one's addresses and ports.
    network_owner = next(
        (candidate for candidate in running if container.network == f"container:{candidate.identity}"), container
    )
    if network_owner.network == "host":
        return Port(HOST, instance.port)
    inner = (
        instance.port
        if instance.address in network_owner.addresses
        else network_owner.published.get(instance.port, instance.port)
    )
    return Port(container.identity, inner)
