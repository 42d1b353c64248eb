"""Choose a container's service ports, and the address and port of each."""

from collections.abc import Sequence
from dataclasses import dataclass

from rollcall.registrator.docker.container import IP, SHORT_ID, Binding, Container, Network, Port, read_ip
from rollcall.registrator.services.errors import BadValueError, IgnoredError, NoAddressError
from rollcall.registrator.services.metadata import Metadata
from rollcall.registrator.services.network_owner import NetworkOwner
from rollcall.registrator.settings import Settings

PROTOCOLS = ("tcp", "udp")


@dataclass(frozen=True)
class Endpoint:
    """The address and port of a service, with a remark. An empty address is the Consul agent's own."""

    address: str
    port: int
    note: str = ""


def service_ports(container: Container, settings: Settings, owner: NetworkOwner) -> tuple[list[Port], list[str]]:
    """Return the container's service ports, and the reasons against others.

    On the host network and with -internal, an exposed port is reachable under its own number. In another container's
    network, that container publishes the ports.
    """
    found: list[Port] = []
    remarks: list[str] = []
    unpublished: list[Port] = []
    for port in sorted({*container.exposed, *container.published}):
        if port.protocol not in PROTOCOLS:
            remarks.append(f"port {port} is neither TCP nor UDP")
        elif (
            owner.container is None or _by_own_number(owner.container, settings) or owner.container.published.get(port)
        ):
            found.append(port)
        else:
            unpublished.append(port)
    if unpublished:
        # One line, since some images expose ten ports.
        by = f" by {owner.container}, whose network it uses" if container.network_owner_ref else ""
        remarks.append(f"not published on the host{by}: {', '.join(map(str, unpublished))}")
    if not found and not remarks:
        remarks.append("it exposes no port")
    return found, remarks


def endpoint_of(
    container: Container, port: Port, metadata: Metadata, settings: Settings, owner: NetworkOwner
) -> Endpoint:
    """Return the address and port of a service.

    Raises:
        BadValueError: a label holds no address, or the network is lost.
        IgnoredError: only this host can reach it.
    """
    if owner.container is None:
        raise BadValueError("network mode", container.network_mode, owner.fault)
    labelled = _labelled(container, settings)
    if _by_own_number(owner.container, settings):
        if labelled or owner.container.network_mode == "host":
            return Endpoint(labelled or settings.host_address, port.number)
        return _own_endpoint(owner.container, metadata, port.number)
    bindings = owner.container.published[port]
    if settings.ip_from_container and not labelled:
        return _own_endpoint(owner.container, metadata, bindings[0].port)
    return _published(bindings, labelled, settings)


def _by_own_number(owner: Container, settings: Settings) -> bool:
    return settings.internal or owner.network_mode == "host"


def _labelled(container: Container, settings: Settings) -> str:
    """Return the address of the container's label without its prefix length, "" without a label."""
    text = container.labels.get(settings.address_label, "") if settings.address_label else ""
    address = text.partition("/")[0]
    if text and usable(read_ip(address)) is None:
        raise BadValueError(settings.address_label, text, "expected an IP address, such as 10.0.0.7 or 10.0.0.7/24")
    return address


def usable(address: IP | None) -> IP | None:
    """Return an address that can be a host's, None for any other."""
    return None if address is None or address.is_unspecified or address.is_multicast else address


def _published(bindings: Sequence[Binding], labelled: str, settings: Settings) -> Endpoint:
    """Choose a binding that others reach: on the host's address or on all, else on another network."""
    if labelled:
        # The label's author knows the network in between.
        matching = [binding for binding in bindings if binding.ip == read_ip(labelled)]
        return Endpoint(labelled, (*matching, *bindings)[0].port)
    host = read_ip(settings.host_address)
    ranked = [(rank, at) for at, binding in enumerate(bindings) if (rank := _rank(binding, host)) is not None]
    if not ranked:
        where = ", ".join(dict.fromkeys(binding.address or "0.0.0.0" for binding in bindings))  # noqa: S104
        raise IgnoredError(f"published on {where} only, where {_hosts(settings)} reach it")
    rank, at = min(ranked)
    binding = bindings[at]
    if rank < OTHER_ADDRESS:
        return Endpoint(settings.host_address, binding.port)
    elsewhere = f"published on {binding.address} alone, which is not this host's address {settings.host_address}"
    return Endpoint(binding.address, binding.port, elsewhere if host else "")


HOST_ADDRESS, HOST_ADDRESS_BY_IPV6, OTHER_ADDRESS, OTHER_IPV6 = range(4)
IPV4 = 4


def _rank(binding: Binding, host: IP | None) -> int | None:
    """Rank how well others reach a binding on a host with that address (None: unknown); None for not at all."""
    bound = binding.ip
    if bound is None:
        return None
    same_kind = bound.version == (host.version if host else IPV4)
    if bound == host or (bound.is_unspecified and same_kind):
        return HOST_ADDRESS
    if bound.is_unspecified:
        return None if host else HOST_ADDRESS_BY_IPV6
    # A host with a loopback address has no other hosts.
    local = bound.is_loopback and not (host and host.is_loopback)
    if local or bound.is_link_local or usable(bound) is None:
        return None
    return OTHER_ADDRESS if bound.version == IPV4 else OTHER_IPV6


def _hosts(settings: Settings) -> str:
    host = settings.host_address
    return f"no clients of {host}" if host else "no other hosts"


def _own_endpoint(container: Container, metadata: Metadata, number: int) -> Endpoint:
    if container.network_mode == "none":
        raise IgnoredError("its network mode is none")
    chosen, note = metadata.get("network"), ""
    network = _named(container, chosen) if chosen else None
    if chosen and network is None:
        names = ", ".join(container.networks) or "none"
        reason = f"is no network of the container (it is on: {names}); the address is its usual one"
        note = str(BadValueError(metadata.spelled("network"), chosen, reason))
    mode = "bridge" if container.network_mode == "default" else container.network_mode
    network = network or _named(container, mode) or next(iter(container.networks.values()), None)
    if network is None:
        raise NoAddressError("network mode", container.network_mode, "the container has no address of its own")
    return Endpoint(network.address, number, note)


def _named(container: Container, name: str) -> Network | None:
    """Find a network by its name, or by the id that `docker run --network ID` leaves in the network mode."""
    if name in container.networks:
        return container.networks[name]
    by_id = (network for network in container.networks.values() if network.id.startswith(name))
    return next(by_id, None) if len(name) >= SHORT_ID else None
