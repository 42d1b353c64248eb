"""Describe users' own services: the containers that the setting `services` declares (docs/services.md)."""

import zlib

from rollcall.components.component import Component, Context
from rollcall.components.open_port import TCP, OpenPort, single
from rollcall.components.service import (
    service_files,
    service_options,
    service_secrets,
    service_streams,
    service_validation,
)
from rollcall.config.fleet import Fleet, Member
from rollcall.config.front import route_policies
from rollcall.config.image_version import version
from rollcall.config.service import Service, ServiceRoute
from rollcall.contract.policies.table import BY_KEY
from rollcall.converge.resources import Container, Mount, Network, PublishedPort, Resource
from rollcall.secrets.service_secrets import ServiceSecrets

NAME = "services"
# Containers of one host reach each other on it by their names.
NETWORK = "services"
# The component of the sample containers up to 0.3, which are services since, and the network that they had.
FORMER, FORMER_NETWORK = "backend", "rollcall"
# Where the engine may publish ports: apart from Docker's own range, each service in a part of its own.
# After a power loss the catalog briefly names a host's old ports, which should not lead to another program.
PORTS = range(22000, 30000)
PORTS_EACH = 100


def resources(context: Context) -> tuple[Resource, ...]:
    """Return the resources of one host's services."""
    member = context.member
    if not member.settings.services:
        return ()
    found: dict[Resource, None] = {Network(NETWORK): None}
    for service in member.settings.services:
        if service.job:
            # The component `jobs` has its container.
            continue
        files = service_files.of(service, member, context.secrets.services)
        secrets = service_secrets.of(service, member, context.secrets.services)
        containers = (
            secrets.given_to(_container(context.fleet, member, service, name, files.mounts))
            for name in service.containers
        )
        found |= dict.fromkeys((*files.resources, *secrets.resources, *containers))
    return tuple(found)


def container(fleet: Fleet, member: Member, service: Service, secrets: ServiceSecrets) -> Container:
    """Return a container of one host's service. Raises RollcallError: a file of it is unreadable."""
    files = service_files.of(service, member, secrets)
    made = _container(fleet, member, service, service.job or f"{service.name}-1", files.mounts)
    return service_secrets.of(service, member, secrets).given_to(made)


def _container(fleet: Fleet, member: Member, service: Service, name: str, files: tuple[Mount, ...]) -> Container:
    return Container(
        name=name,
        component=NAME,
        image=member.image(service.image),
        image_source=member.image_source(service.image, service.image_source),
        command=service_options.command(service),
        environment=tuple({**metadata(service), **service.environment}.items()),
        network=NETWORK,
        hostname=service.options.hostname or name,
        ports=_published(fleet, member, service),
        exposed=service.ports if fleet.mode == "internal" else (),
        # Docker makes a missing volume. It is no resource of ours, so not even `rollcall remove` takes its data.
        mounts=(*files, *(Mount(volume.source, volume.target, volume.read_only) for volume in service.volumes)),
        tmpfs=service_options.tmpfs(service),
        user=service.user,
        add_capabilities=service.capabilities,
        read_only=service.read_only,
        memory=service.memory,
        pids=service.pids,
        stop_timeout=service.stop_timeout,
        options=service_options.of(service),
    )


def _published(fleet: Fleet, member: Member, service: Service) -> tuple[PublishedPort, ...]:
    public = (PublishedPort(service.ports[0], "0.0.0.0", str(service.public_port)),) if service.public_port else ()  # noqa: S104
    if fleet.mode == "internal":
        return public
    # The fixed port is the registered one, too.
    rest = service.ports[1:] if public else service.ports
    return (*public, *(PublishedPort(port, member.address, _part(service, port)) for port in rest))


def _part(service: Service, port: int) -> str:
    """Return the range of a service's port, chosen by its name; two services may share one."""
    part = zlib.crc32(f"{service.name}:{port}".encode()) % (len(PORTS) // PORTS_EACH)
    first = PORTS[part * PORTS_EACH]
    return f"{first}-{first + PORTS_EACH - 1}"


def metadata(service: Service) -> dict[str, str]:
    """Return the metadata that the registrator reads (docs/registrator.md)."""
    if not service.ports:
        return {"SERVICE_IGNORE": "true"}
    found = {"SERVICE_NAME": service.name, "SERVICE_VERSION": version(service.image)}
    if service.tags:
        found["SERVICE_TAGS"] = ",".join(service.tags)
    for port in service.ports:
        found[f"SERVICE_{port}_NAME"] = service.registered_name(port)
        found |= _route(port, [route for route in service.routes if (route.port or service.ports[0]) == port])
        found |= service_streams.metadata(service, port)
    return found | _check(service)


def _route(port: int, routes: list[ServiceRoute]) -> dict[str, str]:
    if not routes:
        return {}
    first = routes[0]
    return {
        f"SERVICE_{port}_VIRTUAL_HOST": ",".join(dict.fromkeys(route.host for route in routes)),
        f"SERVICE_{port}_VIRTUAL_PATH": first.path,
        f"SERVICE_{port}_VIRTUAL_STRIP": str(first.strip).lower(),
        f"SERVICE_{port}_VIRTUAL_PROTO": first.protocol,
        f"SERVICE_{port}_VIRTUAL_BUFFERING": str(first.buffering).lower(),
        **{f"SERVICE_{port}_{BY_KEY[key].meta}".upper(): value for key, value in route_policies.of(first).items()},
    }


def _check(service: Service) -> dict[str, str]:
    health, port = service.health, service.health.port or service.ports[0]
    if health.check in ("image", "none"):
        return {}
    kind = {
        "http": {f"SERVICE_{port}_CHECK_HTTP": health.path},
        "https": {f"SERVICE_{port}_CHECK_HTTPS": health.path, f"SERVICE_{port}_CHECK_TLS_SKIP_VERIFY": "true"},
        "grpc": {f"SERVICE_{port}_CHECK_GRPC": "true"},
        "tcp": {f"SERVICE_{port}_CHECK_TCP": "true"},
    }[health.check]
    return {**kind, "SERVICE_CHECK_INTERVAL": health.interval, "SERVICE_CHECK_TIMEOUT": health.timeout}


OPEN_PORT = OpenPort(
    "hosts with services", PORTS, TCP, ("the host's address",), "ports of services", "the fronts, everyone"
)


def open_ports(fleet: Fleet, member: Member) -> tuple[OpenPort, ...]:
    """Return the ports of one host's services."""
    services = member.settings.services
    public = tuple(
        OpenPort(
            "hosts with services",
            single(service.public_port),
            TCP,
            ("every IPv4 address",),
            f"public_port of {service.name}",
            "everyone",
        )
        for service in services
        if service.public_port and service.count
    )
    return (*public, *((OPEN_PORT,) if fleet.mode == "published" and any(one.ports for one in services) else ()))


COMPONENT = Component(
    NAME,
    resources,
    networks=(NETWORK, FORMER_NETWORK),
    validate=service_validation.validate,
    open_ports=open_ports,
)
