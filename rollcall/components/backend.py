"""Describe the sample web containers, which show how a front balances requests."""

from rollcall.components.component import Check, Component, Context
from rollcall.components.open_port import TCP, OpenPort
from rollcall.components.template_files import render, source
from rollcall.config.fleet import Fleet, Member
from rollcall.config.settings import Backend
from rollcall.converge.resources import (
    Container,
    Directory,
    File,
    Mount,
    Network,
    PublishedPort,
    Resource,
    Tmpfs,
    configuration_digest,
)
from rollcall.errors import RollcallError
from rollcall.secrets.store import Secrets

FOLDER = "/etc/rollcall/backend"
TARGET = "/etc/nginx/rollcall"
NETWORK = "rollcall"
# The user nginx of the image. It may listen on port 80, since the container has its own network.
OWNER = "101:101"
# MiB; measured 19 with the maximum number of connections, half of them TLS.
MEMORY = 64
# Where the engine may publish each port. After a power loss the catalog briefly names a host's old ports: separate
# ranges keep requests for port 80 from reaching a port 443.
PORTS = {80: "20000-20999", 443: "21000-21999"}
# The image nginx declares port 80 alone.
UNDECLARED_PORTS = (443,)


def resources(context: Context) -> tuple[Resource, ...]:
    """Return the resources of one host's backends; none if the host has no backends."""
    fleet, member, secrets = context.fleet, context.member, context.secrets
    if not member.is_backend or not any(backend.count for backend in member.settings.backends):
        return ()
    files = _files(member, secrets)
    digest = configuration_digest(files)
    return (
        *files,
        Network(NETWORK),
        *(
            _container(fleet, member, backend, number, digest)
            for backend in member.settings.backends
            for number in range(1, backend.count + 1)
        ),
    )


def _files(member: Member, secrets: Secrets) -> tuple[Resource, ...]:
    return (
        Directory(FOLDER, 0o700, OWNER),
        File(f"{FOLDER}/nginx.conf", render("backend/nginx.conf.j2", backend={"host": member.node}), owner=OWNER),
        File(f"{FOLDER}/answer.js", source("backend/answer.js"), owner=OWNER),
        Directory(f"{FOLDER}/tls", 0o700, OWNER),
        File(f"{FOLDER}/tls/backend.crt", secrets.backend.certificate, owner=OWNER),
        File(f"{FOLDER}/tls/backend.key", secrets.backend.key, 0o600, OWNER),
    )


def _container(fleet: Fleet, member: Member, backend: Backend, number: int, configuration: str) -> Container:
    name = f"{backend.name}-{number}"
    # In published mode other hosts reach it at the host's address, at a new port after every start.
    published = tuple(PublishedPort(port, member.address, chosen) for port, chosen in PORTS.items())
    return Container(
        name=name,
        component="backend",
        image=backend.image,
        image_source=member.image_source(backend.image, backend.image_source),
        command=("nginx", "-c", f"{TARGET}/nginx.conf", "-g", "daemon off;"),
        environment=tuple(_metadata(backend).items()),
        network=NETWORK,
        hostname=name,
        ports=() if fleet.mode == "internal" else published,
        exposed=UNDECLARED_PORTS if fleet.mode == "internal" else (),
        mounts=(Mount(FOLDER, TARGET),),
        tmpfs=(Tmpfs("/run/nginx", "uid=101,gid=101,mode=0700,size=16m"),),
        user=OWNER,
        memory=MEMORY,
        configuration=configuration,
    )


def _metadata(backend: Backend) -> dict[str, str]:
    """Return the metadata that the registrator reads.

    nginx listens before `docker run` returns, so an instance starts as passing; Consul's default, critical until the
    first check, would delay it by up to one interval.
    """
    return {
        "SERVICE_NAME": backend.name,
        "SERVICE_80_TAGS": "http",
        "SERVICE_443_TAGS": "https",
        "SERVICE_80_CHECK_HTTP": "/health",
        "SERVICE_443_CHECK_HTTPS": "/health",
        "SERVICE_443_CHECK_TLS_SKIP_VERIFY": "true",
        "SERVICE_CHECK_INTERVAL": backend.check_interval,
        "SERVICE_CHECK_TIMEOUT": "2s",
        "SERVICE_CHECK_INITIAL_STATUS": "passing",
    }


def _range(text: str) -> range:
    first, last = map(int, text.split("-"))
    return range(first, last + 1)


OPEN_PORTS = tuple(
    OpenPort(
        "backends",
        _range(chosen),
        TCP,
        ("the host's address",),
        f"port {port} of the sample web containers",
        "the fronts, everyone",
    )
    for port, chosen in PORTS.items()
)


def open_ports(fleet: Fleet, member: Member) -> tuple[OpenPort, ...]:
    """Return the ports of the sample containers; in internal mode they publish none."""
    return OPEN_PORTS if member.is_backend and fleet.mode == "published" else ()


def validate(check: Check) -> None:
    """Raise RollcallError for two backends of one name, or a backend with the name of a component's container."""
    member, locate = check.member, check.locate
    seen: set[str] = set()
    for position, backend in enumerate(member.settings.backends):
        where = locate(member.name, ("backends", position, "name"))
        if backend.name in seen:
            raise RollcallError(
                f"{where}backends[{position}].name: got {backend.name!r} a second time; "
                "expected one entry for each name, with a higher count"
            )
        if backend.name in check.reserved:
            raise RollcallError(
                f"{where}backends[{position}].name: got {backend.name!r}, the name of one of Rollcall's containers; "
                'expected another name, such as "webserver"'
            )
        seen.add(backend.name)


COMPONENT = Component("backends", resources, networks=(NETWORK,), validate=validate, open_ports=open_ports)
