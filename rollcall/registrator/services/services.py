"""The core: from one container and the settings to the services it should have in Consul. No I/O, never raises."""

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

# As much of an image's id as somebody may type instead of a name.
IMAGE_ID = re.compile(r"(sha256:)?[0-9a-f]{4,64}")


@dataclass(frozen=True)
class Service:
    """One service as it should be in Consul. An empty address means the agent's own."""

    id: str
    name: str
    address: str
    port: int
    container: Container = field(compare=False)
    tags: tuple[str, ...] = ()
    meta: Mapping[str, str] = field(default_factory=dict)
    check: Check | None = None
    enable_tag_override: bool = False
    # Whether a stop signal takes it out; otherwise only the container's end does.
    drain: bool = field(default=True, compare=False)
    # Whether the id is the container's own (host:container:port), and not one that it asks for.
    own_id: bool = field(default=True, compare=False)
    udp: bool = False

    def __str__(self) -> str:
        """Id, name and address, as log lines show them."""
        return f"{self.id} as {self.name} at {self.address or 'the agent'}:{self.port}"


@dataclass(frozen=True)
class Reading:
    """What a container comes to: its services, and a remark for each part of it that is none.

    Of the remarks `faults` come of a bad value and `losses` of a lost network. `notes` tell of services that are
    registered otherwise than asked for, or that DNS cannot carry.
    """

    services: tuple[Service, ...] = ()
    remarks: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    losses: tuple[str, ...] = ()
    # The containers whose network it uses, by id: it is no better off than they are.
    passed: tuple[str, ...] = ()


def read_services(
    container: Container,
    settings: Settings,
    owner: NetworkOwner | None = None,
    document: Mapping[str, object] | None = None,
) -> Reading:
    """Tell which services a container should have.

    `owner` has the network that it uses, None: it has its own.
    `document` is what templates in tags are filled in from: the container's inspect document.
    A bad value costs the container the service it stands on, and gives a remark with key and value.
    """
    owner = owner or NetworkOwner(container)
    if container.paused:
        return Reading(remarks=("it is paused",), passed=owner.passed)
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
    taken = {port: first[folded(one.id)] for port, one in services.items() if first[folded(one.id)] is not one}
    remarks += [
        f"port {port}: the id {services[port].id} is taken by its port {one.port}" for port, one in taken.items()
    ]
    kept = tuple(service for port, service in services.items() if port not in taken)
    return Reading(kept, tuple(remarks), tuple(notes), tuple(faults), tuple(losses), owner.passed)


def claims(services: Iterable[Service]) -> dict[str, Service]:
    """Tell who gets which id, by folded id: whose own it is, not who asks for it; then who ran first."""
    owners: dict[str, Service] = {}
    for service in services:
        key = folded(service.id)
        # Without a sort: this runs at each event, over all services of the host, and they hardly ever clash.
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
    """Make the service of a port, and tell what of it is otherwise than asked for."""
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
    """Tell whether a stop signal takes it out. The key may be another program's, so any other value costs nothing."""
    text = metadata.get("drain")
    if text.lower() in ("", "true", "1", "false", "0"):
        return text.lower() not in ("false", "0"), ""
    return True, str(BadValueError(metadata.spelled("drain"), text, "is neither true nor false; it is drained"))


def _id(container: Container, port: Port, metadata: Metadata, settings: Settings) -> tuple[str, str]:
    """Give the id that is asked for, else the container's own: an id that cannot be addressed costs no service."""
    asked, own = metadata.get("id"), _own_id(container, port, settings)
    if asked and not id_fault(asked):
        return asked, ""
    if fault := id_fault(own):
        raise BadValueError("--hostname", settings.hostname, f"the id {own!r} cannot be used: {fault}")
    if not asked:
        return own, ""
    return own, f"{BadValueError(metadata.spelled('id'), asked, id_fault(asked))}; its id is {own}"


def _own_id(container: Container, port: Port, settings: Settings) -> str:
    suffix = ":udp" if port.protocol == "udp" else ""
    return f"{settings.hostname}:{container.name}:{port.number}{suffix}"


def _name(
    container: Container, port: Port, metadata: Metadata, settings: Settings, *, several: bool
) -> tuple[str, str]:
    given = metadata.get("name")
    if not given and settings.explicit:
        raise IgnoredError("it names no service, and only explicit ones are wanted")
    base = given or image_name(container)
    if fault := path_fault(base):
        raise BadValueError(metadata.spelled("name"), base, fault)
    name = f"{base}-{port.number}" if several and not metadata.names_port("name") else base
    fault = dns_fault(name)
    return name, f"the name {name!r} is found over HTTP only: {fault}" if fault else ""


def image_name(container: Container) -> str:
    """The last part of its image's name, without tag and digest: registry:5000/shop/web:1.2@sha256:… is web.

    An image that only has an id names nothing; then it is the container's own name.
    """
    image = container.image
    digits = container.image_id.removeprefix("sha256:")
    if image.startswith("sha256:") or (IMAGE_ID.fullmatch(image) and digits.startswith(image)):
        return container.name
    return image.partition("@")[0].rpartition("/")[2].partition(":")[0]


def _tags(port: Port, metadata: Metadata, settings: Settings, document: Mapping[str, object]) -> tuple[str, ...]:
    own = _filled(metadata.spelled("tags"), metadata.get("tags"), document)
    # Split only when filled in: a template may hold commas, and may make some.
    for_all = _filled("-tags", settings.tags, document)
    udp = ("udp",) if port.protocol == "udp" else ()
    return (*split_tags(own), *split_tags(for_all), *udp)


def _filled(key: str, text: str, document: Mapping[str, object]) -> str:
    if "{{" not in text:
        return text
    try:
        return template.render(template.parse(text), document)
    except template.TemplateError as error:
        raise BadValueError(key, text, str(error)) from None
