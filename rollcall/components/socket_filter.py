"""Describe a host's socket filter: the one container with the engine's socket, which passes only read requests on.

Write access to that socket is root access to the host. With nginx in front of it, the registrator need not be trusted.
"""

from rollcall.components.component import Component, Context
from rollcall.components.template_files import render
from rollcall.converge.docker_query import SOCKET as ENGINE
from rollcall.converge.resources import Container, Directory, File, Mount, Resource, Tmpfs, Volume, configuration_digest

FOLDER = "/etc/rollcall/socket-filter"
# Holds the filter's own socket; only the filter and the registrator mount it.
VOLUME = "socket-filter"
SOCKET = "docker.sock"
# The scheduler's socket, in a directory that only it may enter.
JOBS_SOCKET = "jobs/docker.sock"
# The user nginx of the official image; the registrator runs as another user.
USER = 101
# The volume's mount point in nginx's container. A new volume gets the mode of the image's directory there, and in this
# one every user may create a socket. On the host only root can reach the volume.
TARGET = "/var/tmp"  # noqa: S108 - inside the container
# nginx uses 4 MiB.
MEMORY, PIDS = 32, 16
# What the registrator reads through it, read as root by docker itself.
_TRIAL = r"""
at=unix://$(docker volume inspect --format '{{{{.Mountpoint}}}}' {volume})/{socket} || exit
docker --host "$at" ps --quiet >/dev/null && docker --host "$at" events --since 1s --until 0s >/dev/null || {{
  echo 'socket-filter does not pass on what the registrator reads from the engine' >&2; exit 1
}}
"""


def resources(context: Context) -> tuple[Resource, ...]:
    """Return the resources of one host's socket filter."""
    member, socket_group = context.member, context.facts.socket_group
    settings = member.settings.socket_filter
    files = _files(jobs=bool(member.settings.jobs))
    return (
        Directory(FOLDER),
        *files,
        Volume(VOLUME),
        Container(
            name="socket-filter",
            component="socket-filter",
            image=settings.image,
            image_source=member.image_source(settings.image, settings.image_source),
            command=("sh", f"{FOLDER}/start.sh"),
            environment=(("SERVICE_IGNORE", "true"),),
            network="none",
            user=f"{USER}:{socket_group}",
            mounts=(Mount(FOLDER, FOLDER), Mount(ENGINE, ENGINE), Mount(VOLUME, TARGET, read_only=False)),
            tmpfs=(Tmpfs("/tmp"),),  # noqa: S108 - inside the container
            memory=MEMORY,
            pids=PIDS,
            configuration=configuration_digest(files),
            trial_command=_TRIAL.format(volume=VOLUME, socket=SOCKET),
        ),
    )


def _files(*, jobs: bool) -> tuple[File, ...]:
    values = {"socket": f"{TARGET}/{SOCKET}", "engine": ENGINE, "folder": FOLDER}
    found = [_file(name, **values) for name in ("nginx.conf", "start.sh")]
    if jobs:
        found.append(_file("jobs.conf", socket=f"{TARGET}/{JOBS_SOCKET}", engine=ENGINE))
    return tuple(found)


def _file(name: str, **values: str) -> File:
    return File(f"{FOLDER}/{name}", render(f"socket_filter/{name}.j2", **values))


COMPONENT = Component("socket filter", resources, containers=("socket-filter",), volumes=(VOLUME,))
