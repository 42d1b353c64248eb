"""Templates of the user's own: rendered, checked and put in place by one container, their commands run through another.

What renders need not be trusted with the host: it may write to the directories of the destinations and nowhere else.
To run a check or a reload in the user's container it asks the commands filter. That one has the engine's socket, and
passes on nothing but the commands that stand in the settings.
"""

import json

from rollcall.components import socket_filter
from rollcall.components.component import Component, Context
from rollcall.components.template_files import render
from rollcall.components.template_sync_validation import read_source, validate
from rollcall.config import settings
from rollcall.config.fleet import Member
from rollcall.contract import local_agent, timeouts
from rollcall.contract import template_rendering as rendering
from rollcall.contract.template_settings import Template, written
from rollcall.converge.docker_query import SOCKET as ENGINE
from rollcall.converge.resources import Container, Directory, File, Mount, Resource, Tmpfs, Volume, configuration_digest
from rollcall.secrets.store import Secrets

FOLDER = "/etc/rollcall/templates"
FILTER_FOLDER = "/etc/rollcall/templates-filter"
# Holds the commands filter's socket; mounted by the templates' container, too, and by nobody else.
VOLUME = "templates-filter"
SOCKET = "commands.sock"
COMMANDS_FOLDER = "/run/templates-filter"
# MiB: 20 for the program, and for each template a consul-template of its own, 21 with a small catalog.
MEMORY, MEMORY_EACH = 96, 64
PIDS = 512


def resources(context: Context) -> tuple[Resource, ...]:
    """Say what the user's own templates consist of on one host; nothing where it has none.

    Raises:
        OSError: a source cannot be read; the check of the settings has read it before.
    """
    member, socket_group, secrets = context.member, context.facts.socket_group, context.secrets
    if not member.settings.templates:
        return ()
    files = _files(member, secrets)
    folders = sorted({one.destination.rpartition("/")[0] for one in member.settings.templates})
    through_filter = _filter(member, socket_group) if containers(member) else ()
    return (
        Directory(FOLDER, 0o700),
        *files,
        *(Directory(path, shared=True) for path in folders),
        *through_filter,
        Container(
            name="templates",
            component="templates",
            image=member.image(member.settings.templates_image),
            image_source=member.image_source(member.settings.templates_image, None),
            environment=(("SERVICE_IGNORE", "true"), *timeouts.environment(member.settings.timeout_factor)),
            # The agent is asked at its loopback address.
            network="host",
            hostname=member.node,
            mounts=(
                Mount(FOLDER, FOLDER),
                *(Mount(path, path, read_only=False) for path in folders),
                *((Mount(VOLUME, COMMANDS_FOLDER),) if through_filter else ()),
            ),
            tmpfs=(Tmpfs("/run/rollcall/templates", "mode=0700,size=64m"), Tmpfs("/tmp")),  # noqa: S108 - inside
            # The destinations' directories are root's, or any service's own, and so are the files.
            user="0:0",
            add_capabilities=("CHOWN", "DAC_OVERRIDE"),
            memory=MEMORY + MEMORY_EACH * len(member.settings.templates),
            pids=PIDS,
            configuration=configuration_digest(files),
        ),
    )


def containers(member: Member) -> tuple[str, ...]:
    """Name the user's containers in which commands run."""
    return tuple(sorted({one.container for one in member.settings.templates if one.container}))


def _files(member: Member, secrets: Secrets) -> tuple[File, ...]:
    return (
        File(f"{FOLDER}/token", secrets.tokens.secret("templates") + "\n", 0o600),
        File(f"{FOLDER}/consul-template.hcl", consul_template()),
        File(f"{FOLDER}/templates.json", written(member.node, tuple(map(template_config, member.settings.templates)))),
        *(
            File(f"{FOLDER}/{one.name}.ctmpl", rendering.source(read_source(one.source)))
            for one in member.settings.templates
        ),
    )


def consul_template(consul_address: str = local_agent.AUTHORITY) -> str:
    """Give consul-template's configuration; the address is this host's own agent's."""
    return render("template_sync/consul-template.hcl.j2", folder=FOLDER, consul_address=consul_address)


def template_config(one: settings.Template) -> Template:
    """Say what the program needs of a template's settings (rollcall/template_sync/settings.py)."""
    return Template(
        one.name,
        one.destination,
        one.check,
        reload=one.reload,
        container=one.container,
        owner=one.owner,
        mode=int(one.mode, 8),
        keep=one.keep,
    )


def _filter(member: Member, socket_group: int) -> tuple[Resource, ...]:
    commands = [
        {"path": f"/{one.name}/{purpose}", "container": one.container, "body": exec_body(command)}
        for one in map(template_config, member.settings.templates)
        for purpose, command in (("check", one.check_command), ("reload", one.reload))
        if one.container and command
    ]
    paths = {"socket": f"{socket_filter.TARGET}/{SOCKET}", "engine": ENGINE, "folder": FILTER_FOLDER}
    files = (
        File(f"{FILTER_FOLDER}/nginx.conf", render("template_sync/nginx.conf.j2", commands=commands, **paths)),
        File(f"{FILTER_FOLDER}/start.sh", render("socket_filter/start.sh.j2", **paths)),
    )
    return (
        Directory(FILTER_FOLDER),
        *files,
        Volume(VOLUME),
        Container(
            name="templates-filter",
            component="templates-filter",
            image=member.settings.socket_filter.image,
            image_source=member.image_source(
                member.settings.socket_filter.image, member.settings.socket_filter.image_source
            ),
            command=("sh", f"{FILTER_FOLDER}/start.sh"),
            environment=(("SERVICE_IGNORE", "true"),),
            network="none",
            user=f"{socket_filter.USER}:{socket_group}",
            mounts=(
                Mount(FILTER_FOLDER, FILTER_FOLDER),
                Mount(ENGINE, ENGINE),
                Mount(VOLUME, socket_filter.TARGET, read_only=False),
            ),
            tmpfs=(Tmpfs("/tmp"),),  # noqa: S108 - inside the container
            memory=socket_filter.MEMORY,
            pids=socket_filter.PIDS,
            configuration=configuration_digest(files),
        ),
    )


def exec_body(command: str) -> str:
    """Give what the engine is template_config to run a command, so that nginx may have it between single quotes.

    nginx would take a dollar for a variable of its own, and has no word for one that is none; JSON has.
    """
    body = json.dumps({"AttachStdout": True, "AttachStderr": True, "Cmd": ["/bin/sh", "-c", command]})
    return body.replace("$", r"\u0024").replace("'", r"\u0027").replace("\\", r"\\")


COMPONENT = Component(
    "own templates",
    resources,
    containers=("templates", "templates-filter"),
    volumes=(VOLUME,),
    validate=validate,
)
