"""What a host's own agent has registered, and in which of its networks each instance takes connections."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rollcall.did_you_mean import suggestion
from rollcall.drain.connections import HOST, Port
from rollcall.drain.target import Target
from rollcall.errors import RollcallError
from rollcall.registrator.services.identity import MARK_CONTAINER

# Of each running container only what is read here: a whole inspect document has ten kilobytes.
FORMAT = (
    '{"Id":{{json .Id}},"Name":{{json .Name}},"Mode":{{json .HostConfig.NetworkMode}},'
    '"Ports":{{json .NetworkSettings.Ports}},"Networks":{{json .NetworkSettings.Networks}}}'
)
# One that has gone since the first line was read is not there: no error.
LIST = f"""
running=$(docker ps --quiet --no-trunc) || exit 1
[ -z "$running" ] || docker inspect --type container --format '{FORMAT}' $running 2>/dev/null || true
"""


@dataclass(frozen=True)
class Container:
    """A running container: its own addresses, and which host port leads to which of its own TCP ports."""

    identity: str
    name: str
    network: str
    addresses: frozenset[str]
    published: Mapping[int, int]


@dataclass(frozen=True)
class Instance:
    """A service of one agent. `container` is a short id, empty where no registrator wrote it."""

    identity: str
    service: str
    address: str
    port: int
    container: str
    takes_connections: bool


def containers(output: str) -> tuple[Container, ...]:
    """Read what LIST prints."""
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
        addresses=frozenset(one["IPAddress"] for one in networks if one.get("IPAddress")),
        published=published,
    )


def instances(document: Mapping[str, Mapping[str, Any]]) -> tuple[Instance, ...]:
    """Read the answer to /v1/agent/services. Consul's own service is none of ours."""
    return tuple(
        Instance(
            identity=one["ID"],
            service=one["Service"],
            address=one.get("Address") or "",
            port=one.get("Port") or 0,
            container=(one.get("Meta") or {}).get(MARK_CONTAINER, ""),
            # The registrator gives UDP services this tag; nobody is connected to one.
            takes_connections="udp" not in (one.get("Tags") or ()),
        )
        for one in document.values()
        if one["Service"] != "consul"
    )


def of(target: Target, found: Sequence[Instance], running: Sequence[Container]) -> tuple[Instance, ...]:
    """Choose a target's instances.

    Raises:
        RollcallError: the target is a container that does not run there, or has no service.
    """
    if not target.container:
        return tuple(found)
    chosen = [one for one in running if one.name == target.container]
    if not chosen:
        raise RollcallError(
            f"{target.member.name} runs no container {target.container!r}; "
            f"{suggestion(target.container, (one.name for one in running))}"
        )
    mine = tuple(one for one in found if one.container and chosen[0].identity.startswith(one.container))
    if not mine:
        raise RollcallError(
            f"{target} has no service in Consul, so nobody is sent to it; "
            "expected a container that the registrator has registered, or the whole host"
        )
    return mine


def ports(chosen: Iterable[Instance], running: Sequence[Container]) -> dict[Port, str]:
    """Say where the connections to these instances end, each with the instance's id."""
    return {port(one, running): one.identity for one in chosen if one.takes_connections}


def port(instance: Instance, running: Sequence[Container]) -> Port:
    """Say where the connections to an instance end."""
    container = next(
        (one for one in running if instance.container and one.identity.startswith(instance.container)), None
    )
    if container is None or container.network == "host":
        return Port(HOST, instance.port)
    # One that has another's network has that one's addresses and ports.
    network_owner = next((one for one in running if container.network == f"container:{one.identity}"), container)
    if network_owner.network == "host":
        return Port(HOST, instance.port)
    inner = (
        instance.port
        if instance.address in network_owner.addresses
        else network_owner.published.get(instance.port, instance.port)
    )
    return Port(container.identity, inner)
