"""Which ports of a container are services, and at which address and port others reach them."""

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
    """Where others reach a port, and what people should know of it. An empty address is the Consul agent's own."""

    address: str
    port: int
    note: str = ""


def service_ports(container: Container, settings: Settings, owner: NetworkOwner) -> tuple[list[Port], list[str]]:
    """Find the container's service ports, and say why others are none.

    Where a container has no ports of its own to publish (host network, -internal) an exposed port is reached under its
    own number. In another container's network, that one has published them.
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
        # One line, or an image that exposes ten ports fills the log.
        by = f" by {owner.container}, whose network it uses" if container.lender else ""
        remarks.append(f"not published on the host{by}: {', '.join(map(str, unpublished))}")
    if not found and not remarks:
        remarks.append("it exposes no port")
    return found, remarks


def endpoint_of(
    container: Container, port: Port, metadata: Metadata, settings: Settings, owner: NetworkOwner
) -> Endpoint:
    """Tell where others reach a service port.

    Raises:
        BadValueError: a label holds no address, or the network is lost.
        IgnoredError: nobody but this host reaches it.
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
    """Give the address that stands in the container's label, without its prefix length; empty where there is none."""
    text = container.labels.get(settings.address_label, "") if settings.address_label else ""
    address = text.partition("/")[0]
    if text and usable(read_ip(address)) is None:
        raise BadValueError(settings.address_label, text, "expected an IP address, such as 10.0.0.7 or 10.0.0.7/24")
    return address


def usable(address: IP | None) -> IP | None:
    """Give an address at which one host can be reached, None for any other."""
    return None if address is None or address.is_unspecified or address.is_multicast else address


def _published(bindings: Sequence[Binding], labelled: str, settings: Settings) -> Endpoint:
    """Choose the binding that others reach: the host's address or all of them, else one on another network."""
    if labelled:
        # Whoever says where it is reached knows what stands in between.
        matching = [one for one in bindings if one.ip == read_ip(labelled)]
        return Endpoint(labelled, (*matching, *bindings)[0].port)
    host = read_ip(settings.host_address)
    ranked = [(rank, number) for number, one in enumerate(bindings) if (rank := _rank(one, host)) is not None]
    if not ranked:
        where = ", ".join(dict.fromkeys(one.address or "0.0.0.0" for one in bindings))  # noqa: S104
        raise IgnoredError(f"published on {where} only, where {_hosts(settings)} reach it")
    rank, number = min(ranked)
    binding = bindings[number]
    if rank < OTHER_ADDRESS:
        return Endpoint(settings.host_address, binding.port)
    elsewhere = f"published on {binding.address} alone, which is not this host's address {settings.host_address}"
    return Endpoint(binding.address, binding.port, elsewhere if host else "")


HOST_ADDRESS, HOST_ADDRESS_BY_IPV6, OTHER_ADDRESS, OTHER_IPV6 = range(4)
IPV4 = 4


def _rank(binding: Binding, host: IP | None) -> int | None:
    """Tell how well others reach a binding on a host of that address (None: not known); None: not at all."""
    bound = binding.ip
    if bound is None:
        return None
    same_kind = bound.version == (host.version if host else IPV4)
    if bound == host or (bound.is_unspecified and same_kind):
        return HOST_ADDRESS
    if bound.is_unspecified:
        return None if host else HOST_ADDRESS_BY_IPV6
    # Where a host's own address is a loopback one, there are no other hosts.
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
