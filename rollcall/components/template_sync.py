"""Describe users' own templates: one container renders, checks and installs files, another runs their commands.

The renderer need not be trusted: it can write only to the directories of the destinations. To run a check or a reload
in the user's container, it sends a request to the commands filter, which has the engine's socket and passes on only the
commands from the settings.
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
# Holds the commands filter's socket; only the filter and the templates' container mount it.
VOLUME = "templates-filter"
SOCKET = "commands.sock"
COMMANDS_FOLDER = "/run/templates-filter"
# MiB: measured 20 for the program, and 21 for each template's own consul-template with a small catalog.
MEMORY, MEMORY_EACH = 96, 64
PIDS = 512


def resources(context: Context) -> tuple[Resource, ...]:
    """Return the resources of one host's templates; none if it has no templates.

    Raises:
        OSError: a source cannot be read; validation has read it before.
    """
    member, socket_group, secrets = context.member, context.facts.socket_group, context.secrets
    own = member.settings.template_sync
    if not own.templates:
        return ()
    files = _files(member, secrets)
    folders = sorted({template.destination.rpartition("/")[0] for template in own.templates})
    through_filter = _filter(member, socket_group) if containers(member) else ()
    return (
        Directory(FOLDER, 0o700),
        *files,
        *(Directory(path, shared=True) for path in folders),
        *through_filter,
        Container(
            name="templates",
            component="templates",
            image=member.image(own.image),
            image_source=member.image_source(own.image, own.image_source),
            environment=(("SERVICE_IGNORE", "true"), *timeouts.environment(member.settings.timeout_factor)),
            # To reach the agent at its loopback address.
            network="host",
            hostname=member.node,
            mounts=(
                Mount(FOLDER, FOLDER),
                *(Mount(path, path, read_only=False) for path in folders),
                *((Mount(VOLUME, COMMANDS_FOLDER),) if through_filter else ()),
            ),
            tmpfs=(Tmpfs("/run/rollcall/templates", "mode=0700,size=64m"), Tmpfs("/tmp")),  # noqa: S108 - inside
            # The destinations and their directories belong to root or to any service's user.
            user="0:0",
            add_capabilities=("CHOWN", "DAC_OVERRIDE"),
            memory=MEMORY + MEMORY_EACH * len(own.templates),
            pids=PIDS,
            configuration=configuration_digest(files),
        ),
    )


def containers(member: Member) -> tuple[str, ...]:
    """Return the names of the user's containers in which commands run."""
    return tuple(
        sorted({template.container for template in member.settings.template_sync.templates if template.container})
    )


def _files(member: Member, secrets: Secrets) -> tuple[File, ...]:
    return (
        File(f"{FOLDER}/token", secrets.tokens.secret("templates") + "\n", 0o600),
        File(f"{FOLDER}/consul-template.hcl", consul_template()),
        File(
            f"{FOLDER}/templates.json",
            written(member.node, tuple(map(template_config, member.settings.template_sync.templates))),
        ),
        *(
            File(f"{FOLDER}/{template.name}.ctmpl", rendering.source(read_source(template.source)))
            for template in member.settings.template_sync.templates
        ),
    )


def consul_template(consul_address: str = local_agent.AUTHORITY) -> str:
    """Return consul-template's configuration; by default it uses this host's own agent."""
    return render("template_sync/consul-template.hcl.j2", folder=FOLDER, consul_address=consul_address)


def template_config(template: settings.Template) -> Template:
    """Return the part of a template's settings that the program reads (rollcall/contract/template_settings.py)."""
    return Template(
        template.name,
        template.destination,
        template.check,
        reload=template.reload,
        container=template.container,
        owner=template.owner,
        mode=int(template.mode, 8),
        keep=template.keep,
    )


def _filter(member: Member, socket_group: int) -> tuple[Resource, ...]:
    commands = [
        {"path": f"/{template.name}/{purpose}", "container": template.container, "body": exec_body(command)}
        for template in map(template_config, member.settings.template_sync.templates)
        for purpose, command in (("check", template.check_command), ("reload", template.reload))
        if template.container and command
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
    """Return the body of the engine's exec request for a command, escaped for single quotes in nginx.

    nginx reads a dollar as a variable and cannot escape it, so the JSON does.
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
