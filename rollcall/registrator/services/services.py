"""Derive the services of a container. No I/O, never raises."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from rollcall.registrator.docker.container import Container, Port
from rollcall.registrator.services import template
from rollcall.registrator.services.checks import Check, Target, check_for
from rollcall.registrator.services.errors import BadValueError, IgnoredError, NoAddressError
from rollcall.registrator.services.identity import dns_fault, folded, id_fault, path_fault
from rollcall.registrator.services.meta import meta_of
from rollcall.registrator.services.metadata import Metadata, read_metadata, split_tags
from rollcall.registrator.services.network_owner import NetworkOwner
from rollcall.registrator.services.ports import endpoint_of, service_ports
from rollcall.registrator.settings import Settings

# An image's id, or a part of it, instead of a name.
IMAGE_ID = re.compile(r"(sha256:)?[0-9a-f]{4,64}")


@dataclass(frozen=True)
class Service:
    """A desired service. An empty address is the agent's own."""

    id: str
    name: str
    address: str
    port: int
    container: Container = field(compare=False)
    tags: tuple[str, ...] = ()
    meta: Mapping[str, str] = field(default_factory=dict)
    check: Check | None = None
    enable_tag_override: bool = False
    # Whether a stop signal takes it out, or only the container's end.
    drain: bool = field(default=True, compare=False)
    # Whether the id is the container's own (host:container:port), not a requested one.
    own_id: bool = field(default=True, compare=False)
    udp: bool = False

    def __str__(self) -> str:
        """Return id, name and address, for log lines."""
        return f"{self.id} as {self.name} at {self.address or 'the agent'}:{self.port}"


@dataclass(frozen=True)
class ContainerServices:
    """A container's services, and a remark for each part of it that is not a service.

    Of the remarks, `faults` result from a bad value and `losses` from a lost network. `notes` are about services that
    are registered differently from their metadata, or that DNS cannot carry.
    """

    services: tuple[Service, ...] = ()
    remarks: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    losses: tuple[str, ...] = ()
    # The ids of the containers whose network it uses.
    network_chain: tuple[str, ...] = ()


def read_services(
    container: Container,
    settings: Settings,
    owner: NetworkOwner | None = None,
    document: Mapping[str, object] | None = None,
) -> ContainerServices:
    """Derive the services that a container should have.

    `owner` is the owner of its network, None for the container itself. `document` is its inspect document, for the
    templates in its tags. A bad value costs the container that service, with a remark that names key and value.
    """
    owner = owner or NetworkOwner(container)
    if container.paused:
        return ContainerServices(remarks=("it is paused",), network_chain=owner.network_chain)
    ports, remarks = service_ports(container, settings, owner)
    services: dict[Port, Service] = {}
    notes: list[str] = []
    faults: list[str] = []
    losses: list[str] = []
    for port in ports:
        try:
            services[port], found = _service(
                container, port, settings, owner, document=document or {}, several=len(ports) > 1
            )
        except (BadValueError, IgnoredError) as reason:
            remarks.append(f"port {port}: {reason}")
            if not isinstance(reason, IgnoredError):
                (losses if isinstance(reason, NoAddressError) else faults).append(remarks[-1])
            continue
        notes += [f"port {port}: {note}" for note in found]
    first = claims(services.values())
    for port, service in services.items():
        if (owner_of_id := first[folded(service.id)]) is not service:
            remarks.append(f"port {port}: the id {service.id} is taken by its port {owner_of_id.port}")
    own = tuple(service for service in services.values() if first[folded(service.id)] is service)
    return ContainerServices(own, tuple(remarks), tuple(notes), tuple(faults), tuple(losses), owner.network_chain)


def claims(services: Iterable[Service]) -> dict[str, Service]:
    """Decide which service gets each folded id: own ids before requested ones, then the first started."""
    owners: dict[str, Service] = {}
    for service in services:
        key = folded(service.id)
        # No sort: this runs at every event, over all services of the host, and clashes are rare.
        if key not in owners or _rank(service) < _rank(owners[key]):
            owners[key] = service
    return owners


def _rank(service: Service) -> tuple[bool, str, str]:
    return (not service.own_id, service.container.started_at, service.container.id)


def _service(
    container: Container,
    port: Port,
    settings: Settings,
    owner: NetworkOwner,
    *,
    document: Mapping[str, object],
    several: bool,
) -> tuple[Service, list[str]]:
    """Return a port's service, and notes on what differs from the metadata."""
    metadata = read_metadata(container, port)
    if metadata.get("ignore"):
        raise IgnoredError(f"{metadata.spelled('ignore')} is set")
    name, name_note = _name(container, port, metadata, settings, several=several)
    endpoint = endpoint_of(container, port, metadata, settings, owner)
    identity, id_note = _id(container, port, metadata, settings)
    check, check_note = check_for(metadata, Target(endpoint.address, endpoint.port, container, port), settings)
    drain, drain_note = _drain(metadata)
    meta = meta_of(metadata)
    service = Service(
        id=identity,
        name=name,
        address=endpoint.address,
        port=endpoint.port,
        container=container,
        tags=_tags(port, metadata, settings, document),
        meta=meta.pairs,
        check=check,
        enable_tag_override=metadata.get("enable_tag_override").lower() == "true",
        drain=drain,
        own_id=identity == _own_id(container, port, settings),
        udp=port.protocol == "udp",
    )
    notes = (id_note, name_note, endpoint.note, check_note, drain_note, *meta.notes)
    return service, [note for note in notes if note]


def _drain(metadata: Metadata) -> tuple[bool, str]:
    """Return whether a stop signal takes it out. Another program may use the key, so other values are only noted."""
    text = metadata.get("drain")
    if text.lower() in ("", "true", "1", "false", "0"):
        return text.lower() not in ("false", "0"), ""
    return True, str(BadValueError(metadata.spelled("drain"), text, "expected true or false; it is drained"))


def _id(container: Container, port: Port, metadata: Metadata, settings: Settings) -> tuple[str, str]:
    """Return the requested id, or the container's own with a note if Consul cannot address the requested one."""
    requested, own = metadata.get("id"), _own_id(container, port, settings)
    if requested and not id_fault(requested):
        return requested, ""
    if fault := id_fault(own):
        raise BadValueError("--hostname", settings.hostname, f"the id {own!r} cannot be used: {fault}")
    if not requested:
        return own, ""
    return own, f"{BadValueError(metadata.spelled('id'), requested, id_fault(requested))}; its id is {own}"


def _own_id(container: Container, port: Port, settings: Settings) -> str:
    suffix = ":udp" if port.protocol == "udp" else ""
    return f"{settings.hostname}:{container.name}:{port.number}{suffix}"


def _name(
    container: Container, port: Port, metadata: Metadata, settings: Settings, *, several: bool
) -> tuple[str, str]:
    given = metadata.get("name")
    if not given and settings.explicit:
        raise IgnoredError("it names no service, which -explicit requires")
    base = given or image_name(container)
    if fault := path_fault(base):
        raise BadValueError(metadata.spelled("name"), base, fault)
    name = f"{base}-{port.number}" if several and not metadata.names_port("name") else base
    fault = dns_fault(name)
    return name, f"the name {name!r} works over HTTP only: {fault}" if fault else ""


def image_name(container: Container) -> str:
    """Return the last part of the image's name, without tag and digest: web for registry:5000/shop/web:1.2@sha256:….

    For an image without a name it is the container's name.
    """
    image = container.image
    digits = container.image_id.removeprefix("sha256:")
    if image.startswith("sha256:") or (IMAGE_ID.fullmatch(image) and digits.startswith(image)):
        return container.name
    return image.partition("@")[0].rpartition("/")[2].partition(":")[0]


def _tags(port: Port, metadata: Metadata, settings: Settings, document: Mapping[str, object]) -> tuple[str, ...]:
    own = _rendered(metadata.spelled("tags"), metadata.get("tags"), document)
    # Split after rendering: a template may hold and produce commas.
    for_all = _rendered("-tags", settings.tags, document)
    udp = ("udp",) if port.protocol == "udp" else ()
    return (*split_tags(own), *split_tags(for_all), *udp)


def _rendered(key: str, text: str, document: Mapping[str, object]) -> str:
    if "{{" not in text:
        return text
    try:
        return template.render(template.parse(text), document)
    except template.TemplateError as error:
        raise BadValueError(key, text, str(error)) from None
