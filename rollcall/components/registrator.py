"""Describe a host's registrator: it watches the host's engine and registers services with the local Consul agent."""

from rollcall.components import socket_filter
from rollcall.components.component import Component, Context
from rollcall.components.open_port import TCP, OpenPort, single
from rollcall.config.fleet import Fleet, Member
from rollcall.contract import local_agent, timeouts
from rollcall.converge.resources import Container, Directory, File, Mount, Resource, configuration_digest

FOLDER = "/etc/rollcall/registrator"
TOKEN = f"{FOLDER}/token"
# The user nobody: it owns only its token, and reads the engine through the socket filter.
OWNER = "65534:65534"
ENGINE_FOLDER = "/run/socket-filter"
# It uses 37 MiB for 200 containers.
MEMORY, PIDS = 128, 64


def resources(context: Context) -> tuple[Resource, ...]:
    """Return the resources of one host's registrator."""
    fleet, member, secrets = context.fleet, context.member, context.secrets
    settings = member.settings.registrator
    token = File(TOKEN, f"{secrets.tokens.secret('registrator', member.node)}\n", 0o600, OWNER)
    return (
        Directory(FOLDER, 0o700, OWNER),
        token,
        Container(
            name="registrator",
            component="registrator",
            image=member.image(settings.image),
            image_source=member.image_source(settings.image, settings.image_source),
            command=_flags(fleet, member),
            environment=(
                ("SERVICE_IGNORE", "true"),
                *timeouts.environment(member.settings.timeout_factor),
                ("CONSUL_HTTP_TOKEN_FILE", TOKEN),
                ("DOCKER_HOST", f"unix://{ENGINE_FOLDER}/{socket_filter.SOCKET}"),
            ),
            network="host",
            # Service ids start with it, and cleanup relies on it: it must outlast the container.
            hostname=member.node,
            mounts=(Mount(FOLDER, FOLDER), Mount(socket_filter.VOLUME, ENGINE_FOLDER)),
            user=OWNER,
            memory=MEMORY,
            pids=PIDS,
            # A new token replaces the container, and the new one registers everything again with it.
            configuration=configuration_digest((token,)),
        ),
    )


def _flags(fleet: Fleet, member: Member) -> tuple[str, ...]:
    settings = member.settings.registrator
    return (
        "-internal" if fleet.mode == "internal" else f"-ip={member.address}",
        f"-resync={settings.resync}",
        # Rollcall's agents have script checks off.
        "-script-checks=false",
        *(("-cleanup",) if settings.cleanup else ()),
        *((f"-tags={','.join(settings.tags)}",) if settings.tags else ()),
        f"consul://{local_agent.AUTHORITY}",
    )


PORT = OpenPort("every host", single(8510), TCP, ("loopback",), "the registrator's state and metrics", "the host")


def open_ports(_fleet: Fleet, _member: Member) -> tuple[OpenPort, ...]:
    """Return the ports of the registrator."""
    return (PORT,)


COMPONENT = Component("registrator", resources, containers=("registrator",), open_ports=open_ports)
