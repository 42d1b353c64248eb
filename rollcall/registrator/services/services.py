"""The core: from one container and the settings to the services it should have in Consul. No I/O, never raises."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from rollcall.registrator.docker.container import Binding, Container, Port
from rollcall.registrator.services import template
from rollcall.registrator.services.checks import Check, Target, check_for
from rollcall.registrator.services.errors import BadValueError, NoAddressError
from rollcall.registrator.services.identity import dns_fault, folded, id_fault, path_fault
from rollcall.registrator.services.metadata import Metadata, read_metadata, split_tags
from rollcall.registrator.services.ports import address_of, service_ports
from rollcall.registrator.settings import Settings

# Consul's limits on a service's Meta: agent/structs, ValidateServiceMetadata.
META_KEY = re.compile(r"[A-Za-z0-9_-]{1,128}")
META_VALUE_BYTES = 512
META_PAIRS = 64
# Room for the registrator's own marks (see reconcile.py).
MARKS = 3
NOT_META = frozenset({"id", "name", "tags"})


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


class _IgnoredError(Exception):
    """This port is no service, for the reason given; nothing is wrong."""


def read_services(
    container: Container,
    settings: Settings,
    lender: Container | None = None,
    document: Mapping[str, object] | None = None,
) -> Reading:
    """Tell which services a container should have.

    `lender` is the container whose network it uses, None when it uses none or that container is gone.
    `document` is what templates in tags are filled in from: the container's inspect document.
    A bad value costs the container the service it stands on, and gives a remark with key and value.
    """
    if container.paused:
        return Reading(remarks=("it is paused",))
    ports, remarks = service_ports(container, settings)
    services: dict[Port, Service] = {}
    notes: list[str] = []
    faults: list[str] = []
    losses: list[str] = []
    for port, binding in ports.items():
        try:
            services[port] = _service(
                container, port, binding, settings, lender, document=document or {}, several=len(ports) > 1
            )
        except (BadValueError, _IgnoredError) as reason:
            remarks.append(f"port {port}: {reason}")
            if not isinstance(reason, _IgnoredError):
                (losses if isinstance(reason, NoAddressError) else faults).append(remarks[-1])
            continue
        notes += [f"port {port}: {note}" for note in _notes(container, port, services[port])]
    owners = claims(services.values())
    taken = {port: owners[folded(one.id)] for port, one in services.items() if owners[folded(one.id)] is not one}
    remarks += [
        f"port {port}: the id {services[port].id} is taken by its port {owner.port}" for port, owner in taken.items()
    ]
    kept = tuple(service for port, service in services.items() if port not in taken)
    return Reading(kept, tuple(remarks), tuple(notes), tuple(faults), tuple(losses))


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
    binding: Binding,
    settings: Settings,
    lender: Container | None,
    *,
    document: Mapping[str, object],
    several: bool,
) -> Service:
    metadata = read_metadata(container, port)
    if metadata.get("ignore"):
        raise _IgnoredError(f"{metadata.spelled('ignore')} is set")
    name = _name(container, port, metadata, settings, several=several)
    address = address_of(container, binding, metadata, settings, lender)
    identity = _id(container, port, metadata, settings)
    return Service(
        id=identity,
        name=name,
        address=address,
        port=binding.port,
        container=container,
        tags=_tags(port, metadata, settings, document),
        meta=_meta(metadata),
        check=check_for(metadata, Target(address, binding.port, container, port)),
        enable_tag_override=metadata.get("enable_tag_override").lower() == "true",
        drain=_drain(metadata),
        own_id=identity == _own_id(container, port, settings),
    )


def _drain(metadata: Metadata) -> bool:
    text = metadata.get("drain").lower()
    if text not in ("", "true", "1", "false", "0"):
        raise BadValueError(metadata.spelled("drain"), metadata.get("drain"), "is neither true nor false")
    return text not in ("false", "0")


def _notes(container: Container, port: Port, service: Service) -> list[str]:
    metadata = read_metadata(container, port)
    asked, notes = metadata.get("id"), []
    if asked and asked != service.id:
        error = BadValueError(metadata.spelled("id"), asked, id_fault(asked))
        notes.append(f"{error}; its id is {service.id}")
    if fault := dns_fault(service.name):
        notes.append(f"the name {service.name!r} is found over HTTP only: {fault}")
    return notes


def _id(container: Container, port: Port, metadata: Metadata, settings: Settings) -> str:
    """Give the id that is asked for, else the container's own: an id that cannot be addressed costs no service."""
    asked, own = metadata.get("id"), _own_id(container, port, settings)
    if asked and not id_fault(asked):
        return asked
    if fault := id_fault(own):
        raise BadValueError("--hostname", settings.hostname, f"the id {own!r} cannot be used: {fault}")
    return own


def _own_id(container: Container, port: Port, settings: Settings) -> str:
    suffix = ":udp" if port.protocol == "udp" else ""
    return f"{settings.hostname}:{container.name}:{port.number}{suffix}"


def _name(container: Container, port: Port, metadata: Metadata, settings: Settings, *, several: bool) -> str:
    given = metadata.get("name")
    if not given and settings.explicit:
        raise _IgnoredError("it names no service, and only explicit ones are wanted")
    name = given or image_name(container.image)
    if fault := path_fault(name):
        raise BadValueError(metadata.spelled("name"), name, fault)
    return f"{name}-{port.number}" if several and not metadata.names_port("name") else name


def image_name(image: str) -> str:
    """The last part of an image's name, without tag and digest: registry:5000/shop/web:1.2@sha256:… is web."""
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


def _meta(metadata: Metadata) -> dict[str, str]:
    meta = {key: entry.value for key, entry in metadata.entries.items() if key not in NOT_META}
    for key, value in meta.items():
        if not META_KEY.fullmatch(key):
            raise BadValueError(metadata.spelled(key), value, "Consul allows letters, digits, - and _ in such a key")
        if len(value.encode(errors="replace")) > META_VALUE_BYTES:
            raise BadValueError(metadata.spelled(key), value, f"is longer than Consul's {META_VALUE_BYTES} bytes")
    if len(meta) > META_PAIRS - MARKS:
        raise BadValueError("SERVICE_…", f"{len(meta)} keys", f"Consul keeps no more than {META_PAIRS - MARKS}")
    return meta
