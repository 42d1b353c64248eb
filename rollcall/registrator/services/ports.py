"""Which ports of a container are services, and at which address and port others reach them."""

from rollcall.registrator.docker.container import SHORT_ID, Binding, Container, Network, Port
from rollcall.registrator.services.errors import BadValueError, NoAddressError
from rollcall.registrator.services.metadata import Metadata
from rollcall.registrator.settings import Settings

PROTOCOLS = ("tcp", "udp")


def service_ports(container: Container, settings: Settings) -> tuple[dict[Port, Binding], list[str]]:
    """Find the container's service ports, each with its first binding, and say why others are none.

    Where a container has no ports of its own to publish (host network, another container's network)
    an exposed port is reached under its own number, so it stands as its own binding.
    """
    found: dict[Port, Binding] = {}
    remarks: list[str] = []
    unpublished: list[Port] = []
    own_number = settings.internal or container.network_mode == "host" or bool(container.lender)
    for port in sorted({*container.exposed, *container.published}):
        bindings = container.published.get(port, ())
        if port.protocol not in PROTOCOLS:
            remarks.append(f"port {port} is neither TCP nor UDP")
        elif own_number:
            found[port] = Binding("", port.number)
        elif bindings:
            found[port] = bindings[0]
        else:
            unpublished.append(port)
    if unpublished:
        # One line, or an image that exposes ten ports fills the log.
        remarks.append(f"not published on the host: {', '.join(map(str, unpublished))}")
    if not found and not remarks:
        remarks.append("it exposes no port")
    return found, remarks


def address_of(
    container: Container, binding: Binding, metadata: Metadata, settings: Settings, lender: Container | None
) -> str:
    """Tell the address of one service; empty means the Consul agent's own.

    `lender` is the container whose network this one uses. Raises BadValueError when no address can be told.
    """
    if container.lender:
        return _lent_address(container, metadata, settings, lender)
    labelled = container.labels.get(settings.address_label, "").rpartition("/")
    if settings.address_label and any(labelled):
        return labelled[0] or labelled[2]
    if container.network_mode == "host":
        return settings.host_address
    if settings.internal or settings.ip_from_container:
        return _own_address(container, metadata)
    return settings.ip or binding.address or settings.host_address


def _lent_address(container: Container, metadata: Metadata, settings: Settings, lender: Container | None) -> str:
    if lender is None:
        raise NoAddressError("network mode", container.network_mode, "that container does not exist any more")
    if lender.network_mode == "host":
        return settings.host_address
    return _own_address(lender, metadata)


def _own_address(container: Container, metadata: Metadata) -> str:
    chosen = metadata.get("network")
    if chosen:
        network = _named(container, chosen)
        if network is None:
            names = ", ".join(container.networks) or "none"
            raise BadValueError(
                metadata.spelled("network"), chosen, f"is no network of the container (it is on: {names})"
            )
        return network.address
    mode = "bridge" if container.network_mode == "default" else container.network_mode
    network = _named(container, mode) or next(iter(container.networks.values()), None)
    if network is None:
        raise NoAddressError("network mode", container.network_mode, "the container has no address of its own")
    return network.address


def _named(container: Container, name: str) -> Network | None:
    """Find a network by its name, or by the id that `docker run --network ID` leaves in the network mode."""
    if name in container.networks:
        return container.networks[name]
    by_id = (network for network in container.networks.values() if network.id.startswith(name))
    return next(by_id, None) if len(name) >= SHORT_ID else None
