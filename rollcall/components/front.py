"""nginx with consul-template: the door to the services."""

import json
from datetime import datetime

from rollcall.components.component import Component, Context
from rollcall.components.open_port import LOOPBACK, TCP, At, OpenPort, single
from rollcall.components.template_files import render, source
from rollcall.config.fleet import Fleet, Member
from rollcall.config.settings import Front
from rollcall.contract import local_agent, timeouts
from rollcall.converge.resources import Container, Directory, File, Mount, Resource, Tmpfs, Volume
from rollcall.secrets.store import Secrets

FOLDER = "/etc/rollcall/front"
# This host's own agent.
# The last good configuration: a new container serves it until Consul has been heard. And nginx's temporary files.
VOLUME = "front-state"
# The user nginx of the image: of its programs, only what becomes that user is root for a moment.
OWNER = "101:101"
# What makes nginx, and what makes consul-template take up its changed files.
APPLY = "docker exec front front-apply"
RELOAD = "docker exec front front-reload"
# MiB. Measured with 2,000 connections by TLS: 15 MB without them, 25 KB for each that is idle, 33 KB in the middle of a
# request; and 4 MB a worker. A core has one, and as many older ones as the setting old_generations allows.
MEMORY = 4096
# Processes and threads: 11 on two cores at rest; the older workers are what counts.
PIDS = 4096


def resources(context: Context) -> tuple[Resource, ...]:
    """Say what the front of one host consists of; nothing where the host is no front."""
    member, secrets = context.member, context.secrets
    if not member.is_front:
        return ()
    settings = member.settings.front
    return (
        *_files(member, secrets),
        Volume(VOLUME),
        Container(
            name="front",
            component="front",
            image=member.image(settings.image),
            image_source=member.image_source(settings.image, settings.image_source),
            environment=(("SERVICE_IGNORE", "true"), *timeouts.environment(member.settings.timeout_factor)),
            # Clients' addresses arrive unchanged, and no packet is translated on its way.
            network="host",
            hostname=member.node,
            listens=((settings.address, settings.http_port), (settings.address, settings.https_port)),
            mounts=(Mount(FOLDER, FOLDER), Mount(VOLUME, "/var/lib/rollcall/front", read_only=False)),
            tmpfs=(Tmpfs("/run/rollcall/front", "uid=101,gid=101,mode=0755,size=16m"),),
            # On the host's network Docker gives nobody but root a right to ports below 1024. With the last two root
            # becomes nginx, which keeps the first.
            add_capabilities=("NET_BIND_SERVICE", "SETGID", "SETUID"),
            memory=MEMORY,
            pids=PIDS,
            # A little more than the front gives nginx's workers to end their requests.
            stop_timeout=settings.stop_timeout + 10,
            # A new one is given the listening sockets by the old one, and tells it to end once it serves.
            readiness_command=("front-health",),
        ),
    )


def _files(member: Member, secrets: Secrets) -> tuple[Resource, ...]:
    """consul-template's files come first: it is told first, and what nginx serves follows."""
    front, connect = member.settings.front, member.settings.timeout_factor
    certificate = secrets.fronts[member.node]
    return (
        Directory(FOLDER, 0o700, OWNER),
        _file("token", secrets.tokens.secret("front") + "\n", RELOAD, 0o600),
        _file(
            "consul-template.hcl", render("front/consul-template.hcl.j2", consul_address=local_agent.AUTHORITY), RELOAD
        ),
        _file("catalog.ctmpl", source("front/catalog.ctmpl"), RELOAD),
        _file("front.json", front_config(member.node, front, certificate.end), APPLY),
        _file("sites.conf.j2", source("front/sites.conf.j2"), APPLY),
        _file("nginx.conf", render("front/nginx.conf.j2", front=front, connect_timeout=connect), APPLY),
        Directory(f"{FOLDER}/tls", 0o700, OWNER),
        _file("tls/front.crt", certificate.certificate, APPLY),
        _file("tls/front.key", certificate.key, APPLY, 0o600),
    )


def front_config(node: str, front: Front, certificate_end: datetime) -> str:
    """Say what the front's own program needs of the settings (rollcall/front/inputs/settings.py)."""
    config = {
        "node": node,
        "listens": [[front.address, front.http_port], [front.address, front.https_port]],
        "services": front.services,
        "server_name": front.server_name,
        "address": front.address,
        "http_port": front.http_port,
        "https_port": front.https_port,
        "redirect": front.redirect,
        "certificate_end": certificate_end.isoformat(),
        "certificate_file": front.certificate or "",
        "routes": [route.model_dump() for route in front.routes],
        "max_fails": front.max_fails,
        "fail_timeout": front.fail_timeout,
        "weight": front.weight,
        "read_timeout": front.proxy_read_timeout,
        "shutdown_timeout": front.shutdown_timeout,
        "stop_timeout": front.stop_timeout,
        "old_generations": front.old_generations,
        "keep_lost": front.keep_lost,
        "status": front.status,
        "consul": local_agent.AUTHORITY,
    }
    return json.dumps(config, indent=2) + "\n"


def _consul_template() -> str:
    return render("front/consul-template.hcl.j2", consul_address=local_agent.AUTHORITY)


def _file(name: str, text: str, notify: str, mode: int = 0o644) -> File:
    return File(f"{FOLDER}/{name}", text, mode, OWNER, notify, consumer="front")


def ports(front: Front) -> tuple[OpenPort, ...]:
    """List what a front opens, by its settings."""
    return (
        OpenPort("fronts", single(front.http_port), TCP, ("every address",), "the site by HTTP", "everybody"),
        OpenPort("fronts", single(front.https_port), TCP, ("every address",), "the site by HTTPS", "everybody"),
        *_status(front),
    )


def _status(front: Front) -> tuple[OpenPort, ...]:
    address, _, port = front.status.rpartition(":")
    if not address:
        return ()
    is_here = address == LOOPBACK
    at: tuple[At, ...] = ("loopback" if is_here else "front.status",)
    open_to = "the host" if is_here else "whoever reaches that address"
    return (OpenPort("fronts", single(int(port)), TCP, at, "the front's state and metrics", open_to),)


def open_ports(_fleet: Fleet, member: Member) -> tuple[OpenPort, ...]:
    """List the ports of one host's front."""
    return ports(member.settings.front) if member.is_front else ()


COMPONENT = Component("front", resources, containers=("front",), volumes=(VOLUME,), open_ports=open_ports)
