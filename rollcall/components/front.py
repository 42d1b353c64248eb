"""Describe the front: nginx with consul-template, which passes requests on to the services."""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime

from rollcall.components import backups
from rollcall.components.component import Component, Context
from rollcall.components.open_port import LOOPBACK, TCP, At, OpenPort, single
from rollcall.components.template_files import render, source
from rollcall.config import forms
from rollcall.config.fleet import Fleet, Locate, Member
from rollcall.config.front import route_policies, stream
from rollcall.config.front.stream import Stream
from rollcall.config.settings import Front, Route
from rollcall.contract import access_log, acme_files, local_agent, timeouts
from rollcall.contract.policies import forwarding
from rollcall.contract.policies.access import USERS
from rollcall.contract.policies.table import BY_KEY
from rollcall.contract.policies.traffic import buffers
from rollcall.converge.host_state import LOGS
from rollcall.converge.resources import Container, Directory, File, Mount, Resource, Tmpfs, Volume
from rollcall.secrets import front_secrets, front_users
from rollcall.secrets.front_certificate import Given
from rollcall.secrets.store import Secrets

FOLDER = "/etc/rollcall/front"
# The pages that nginx itself makes; a project's own templates replace them (docs/routes.md).
PAGES = f"{FOLDER}/pages"
PAGE_FILES = ("404.html", "502.html", "maintenance.html")
# Holds nginx's temporary files and the last good configuration, which a new container serves until Consul responds.
VOLUME = "front-state"
# The ACME program beside the front (rollcall/components/acme.py) shares it.
ACME_VOLUME = "front-acme"
# The user nginx of the image; its programs run as root only until they switch to this user.
OWNER = "101:101"
# Read by the group adm, as the system's own logs; new files there belong to it, too (2750).
LOG_OWNER, LOG_MODE = "101:4", 0o2750
LOG_MOUNT = Mount(access_log.FOLDER, access_log.FOLDER, read_only=False)
# The commands that make nginx and consul-template read their changed files.
APPLY = "docker exec front front-apply"
RELOAD = "docker exec front front-reload"
# MiB. Measured with 2,000 TLS connections: 15 MB without them, 25 KB per idle one, 33 KB per one with a request, and
# 4 MB per worker. Each core has one worker, and as many older ones as the setting old_generations allows.
MEMORY = 4096
# Processes and threads: 11 on two cores at rest; older workers add most.
PIDS = 4096


def resources(context: Context) -> tuple[Resource, ...]:
    """Return the resources of one host's front; none if the host is not a front."""
    member, secrets = context.member, context.secrets
    if not member.is_front:
        return ()
    settings = member.settings.front
    return (
        *_files(context.fleet, member, secrets),
        Volume(VOLUME),
        *((Volume(ACME_VOLUME),) if settings.acme else ()),
        *(_log_folders() if settings.access_log == "file" else ()),
        Container(
            name="front",
            component="front",
            image=member.image(settings.image),
            image_source=member.image_source(settings.image, settings.image_source),
            environment=(("SERVICE_IGNORE", "true"), *timeouts.environment(member.settings.timeout_factor)),
            # Keeps clients' addresses, and avoids address translation.
            network="host",
            hostname=member.node,
            listens=tuple((settings.address, port) for port in _tcp_ports(settings)),
            mounts=(
                Mount(FOLDER, FOLDER),
                Mount(VOLUME, "/var/lib/rollcall/front", read_only=False),
                *((Mount(ACME_VOLUME, str(acme_files.FOLDER), read_only=False),) if settings.acme else ()),
                *((LOG_MOUNT,) if settings.access_log == "file" else ()),
            ),
            tmpfs=(Tmpfs("/run/rollcall/front", "uid=101,gid=101,mode=0755,size=16m"),),
            # On the host's network only root may use ports below 1024. The last two let root switch to the user nginx,
            # which keeps the first.
            add_capabilities=("NET_BIND_SERVICE", "SETGID", "SETUID"),
            memory=MEMORY,
            pids=PIDS,
            # Slightly longer than the front waits for nginx's workers to finish their requests.
            stop_timeout=settings.stop_timeout + 10,
            # A new container takes over the old one's listening sockets, and stops it once it serves.
            readiness_command=("front-health",),
        ),
    )


def _log_folders() -> tuple[Resource, ...]:
    return Directory(LOGS), Directory(access_log.FOLDER, LOG_MODE, LOG_OWNER)


def _files(fleet: Fleet, member: Member, secrets: Secrets) -> tuple[Resource, ...]:
    """Return the front's files, consul-template's first: it is notified first, and nginx follows."""
    front, connect = member.settings.front, member.settings.timeout_factor
    certificate, sites = secrets.fronts[member.node], secrets.sites.get(member.node, ())
    return (
        Directory(FOLDER, 0o700, OWNER),
        _file("token", secrets.tokens.secret("front") + "\n", RELOAD, 0o600),
        _file(
            "consul-template.hcl", render("front/consul-template.hcl.j2", consul_address=local_agent.AUTHORITY), RELOAD
        ),
        _file("catalog.ctmpl", source("front/catalog.ctmpl"), RELOAD),
        Directory(PAGES, 0o700, OWNER),
        *(_page(name) for name in PAGE_FILES),
        *_users(front, secrets),
        _file(
            "front.json",
            front_config(fleet.name, member.node, front, certificate.end, sites, backups_every=backups.every(fleet)),
            APPLY,
        ),
        _file("sites.conf.j2", source("front/sites.conf.j2"), APPLY),
        _file("streams.conf.j2", source("front/streams.conf.j2"), APPLY),
        _file("nginx.conf", nginx_conf(front, connect), APPLY),
        Directory(f"{FOLDER}/tls", 0o700, OWNER),
        _file("tls/front.crt", certificate.certificate, APPLY),
        _file("tls/front.key", certificate.key, APPLY, 0o600),
        *_sites(sites),
    )


def _sites(sites: Sequence[Given]) -> tuple[Resource, ...]:
    """Return the files of the sites' own certificates."""
    files = (
        file
        for number, site in enumerate(sites)
        for file in (
            _file(f"certificates/{number}.crt", site.pair.certificate, APPLY),
            _file(f"certificates/{number}.key", site.pair.key, APPLY, 0o600),
        )
    )
    return (Directory(f"{FOLDER}/certificates", 0o700, OWNER), *files)


def nginx_conf(front: Front, connect_timeout: int) -> str:
    """Return nginx's own configuration, which only a deploy changes."""
    return render(
        "front/nginx.conf.j2",
        front=front,
        connect_timeout=connect_timeout,
        forwarding=forwarding.lines,
        hiding=forwarding.hiding,
        buffers=buffers,
    )


def front_config(
    fleet: str,
    node: str,
    front: Front,
    certificate_end: datetime,
    sites: Sequence[Given] = (),
    *,
    backups_every: int = 0,
) -> str:
    """Return the settings of the front's own program as JSON (rollcall/front/inputs/settings.py)."""
    config = {
        "fleet": fleet,
        "node": node,
        "listens": [[front.address, front.http_port], [front.address, front.https_port]],
        "services": front.services,
        "server_name": front.server_name,
        "address": front.address,
        "http_port": front.http_port,
        "https_port": front.https_port,
        "redirect": front.redirect,
        "proxied": bool(front.trusted_proxies),
        "proxy_protocol": front.proxy_protocol,
        "certificate_end": certificate_end.isoformat(),
        "certificate_file": front.certificate or "",
        "certificates": [_site(number, site) for number, site in enumerate(sites)],
        "acme": front.acme is not None,
        "routes": [declared_route(route) for route in front.routes],
        "streams": [declared_stream(one) for one in front.streams],
        "stream_ports": sorted(front.metadata_ports),
        "users": front.users,
        "max_fails": front.max_fails,
        "fail_timeout": front.fail_timeout,
        "weight": front.weight,
        "read_timeout": front.proxy_read_timeout,
        "shutdown_timeout": front.shutdown_timeout,
        "stop_timeout": front.stop_timeout,
        "old_generations": front.old_generations,
        "keep_lost": front.keep_lost,
        "access_log": _kept(front) if front.access_log == "file" else None,
        "backups_every": backups_every,
        "status": front.status,
        "consul": local_agent.AUTHORITY,
    }
    return json.dumps(config, indent=2) + "\n"


def _kept(front: Front) -> dict[str, int]:
    return {"size": forms.file_bytes(front.access_log_size), "keep": front.access_log_keep}


def _site(number: int, site: Given) -> dict[str, object]:
    return {
        "certificate": f"certificates/{number}.crt",
        "key": f"certificates/{number}.key",
        "own": site.path,
        "names": site.pair.names,
        "issuer": site.issuer,
        "end": site.pair.end.isoformat(),
    }


def declared_route(route: Route) -> dict[str, object]:
    """Return a route as the front's own program reads it: policies apart from where requests go."""
    values = {key: value for key, value in route.model_dump().items() if key not in BY_KEY}
    return {**values, "policies": route_policies.of(route)}


def declared_stream(one: Stream) -> dict[str, object]:
    """Return a stream as the front's own program reads it."""
    places = [[place.port, place.transport, place.name] for place in stream.places(one)]
    return {"service": one.service, "places": places, "policies": stream.policies(one)}


def _tcp_ports(front: Front) -> tuple[int, ...]:
    """Return the ports that nginx always has; those that containers claim come and go."""
    own = (one.port for one in front.streams if one.protocol == "tcp")
    return tuple(dict.fromkeys((front.http_port, front.https_port, *own)))


def _file(name: str, text: str, notify: str, mode: int = 0o644) -> File:
    return File(f"{FOLDER}/{name}", text, mode, OWNER, notify, consumer="front")


def _page(name: str) -> File:
    # nginx reads it for each request, so a change needs no command.
    return File(f"{PAGES}/{name}", render(f"front/pages/{name}.j2"), 0o644, OWNER, consumer="front")


def _users(front: Front, secrets: Secrets) -> tuple[Resource, ...]:
    """Return the lists of users; nginx reads them for each request, so a change needs no command."""
    lists = {name: secrets.services.value(front_secrets.OWNER, name) for name in front.users}
    return (
        Directory(USERS, 0o700, OWNER),
        *(
            File(f"{USERS}/{name}", front_users.hashed(value, secrets.services.key), 0o600, OWNER, consumer="front")
            for name, value in lists.items()
        ),
    )


def check_users(fleet: Fleet, secrets: Secrets, inventory: str, locate: Locate) -> Iterator[str]:
    """Say in a sentence what is wrong with each list of users: it has no value, or a line that is no user."""
    for member in fleet.fronts:
        for number, name in enumerate(member.settings.front.users):
            value = secrets.services.value(front_secrets.OWNER, name)
            fault = front_users.fault(value) if value else "it has no value"
            if fault:
                where = f"{locate(member.name, ('front', 'users', number))}front.users[{number}]"
                command = f"rollcall secret set {inventory} {front_secrets.OWNER} {name}"
                yield f"{where}: got {name!r}, but {fault}; expected lines NAME:PASSWORD: {command}"


def ports(front: Front) -> tuple[OpenPort, ...]:
    """Return the ports that a front opens, by its settings."""
    return (
        OpenPort("fronts", single(front.http_port), TCP, ("every address",), "the site by HTTP", "everyone"),
        OpenPort("fronts", single(front.https_port), TCP, ("every address",), "the site by HTTPS", "everyone"),
        *_streams(front),
        *_status(front),
    )


def _streams(front: Front) -> Iterator[OpenPort]:
    declared = dict.fromkeys((one.port, one.protocol) for one in front.streams)
    for port, transport in declared:
        text = "a stream of front.streams"
        yield OpenPort("fronts", single(port), (transport,), ("every address",), text, "everyone")
    for port, transport in sorted(front.metadata_ports - declared.keys()):
        text = "a stream of a container (front.stream_ports)"
        yield OpenPort("fronts", single(port), (transport,), ("every address",), text, "everyone", always=False)


def _status(front: Front) -> tuple[OpenPort, ...]:
    address, _, port = front.status.rpartition(":")
    if not address:
        return ()
    is_here = address == LOOPBACK
    at: tuple[At, ...] = ("loopback" if is_here else "front.status",)
    open_to = "the host" if is_here else "whoever reaches that address"
    return (OpenPort("fronts", single(int(port)), TCP, at, "the front's state and metrics", open_to),)


def open_ports(_fleet: Fleet, member: Member) -> tuple[OpenPort, ...]:
    """Return the ports of one host's front."""
    return ports(member.settings.front) if member.is_front else ()


COMPONENT = Component("front", resources, containers=("front",), volumes=(VOLUME,), open_ports=open_ports)
