"""The Consul agent of a host: server or client, one container on the host's network."""

import json
from typing import Any

from rollcall.desired import Container, Directory, File, Mount, Thing, Volume, configuration_digest
from rollcall.fleet import Fleet, Member
from rollcall.secrets import Secrets
from rollcall.templates import render

FOLDER = "/etc/rollcall/consul"
VOLUME = "consul-data"
# The user consul of the official image; its entrypoint drops from root to it.
OWNER = "100:1000"
# Consul leaves the cluster or hands leadership over within this many seconds of its stop signal.
STOP_TIMEOUT = 15


def desired(fleet: Fleet, member: Member, bridge: str, secrets: Secrets) -> tuple[Thing, ...]:
    """Say what the Consul agent of one host consists of."""
    files = _files(fleet, member, bridge, secrets)
    settings = member.settings
    return (
        *files,
        Volume(VOLUME),
        Container(
            name="consul",
            component="consul",
            image=settings.consul.image,
            image_source=settings.consul.image_source or settings.image_source,
            command=("agent",),
            environment=(("SERVICE_IGNORE", "true"),),
            network="host",
            hostname=member.node,
            listens=tuple((address, port) for port in (8500, 8600) for address in ("127.0.0.1", bridge))
            + tuple((member.address, port) for port in ((8300, 8301) if member.is_server else (8301,))),
            mounts=(Mount(FOLDER, "/consul/config"), Mount(VOLUME, "/consul/data", read_only=False)),
            stop_timeout=STOP_TIMEOUT,
            configuration=configuration_digest(files),
        ),
    )


def _files(fleet: Fleet, member: Member, bridge: str, secrets: Secrets) -> tuple[Thing, ...]:
    """Consul merges a directory's files in the order of their names: what the user adds comes last."""
    settings = member.settings
    agent = render(
        "consul/agent.hcl.j2",
        node=member.node,
        address=member.address,
        bridge=bridge,
        servers=[server.address for server in fleet.servers],
        is_server=member.is_server,
        consul=settings.consul,
        consul_server=settings.consul_server,
    )
    extra = [("50-extra.json", settings.consul.extra)]
    if member.is_server:
        extra.append(("60-server-extra.json", settings.consul_server.extra))
    return (
        Directory(FOLDER, 0o700, OWNER),
        File(f"{FOLDER}/10-agent.hcl", agent, 0o600, OWNER),
        File(f"{FOLDER}/20-gossip.json", _json({"encrypt": secrets.gossip_key}), 0o600, OWNER),
        *(File(f"{FOLDER}/{name}", _json(content), 0o600, OWNER) for name, content in extra if content),
    )


def _json(content: dict[str, Any]) -> str:
    return json.dumps(content, indent=2, sort_keys=True) + "\n"
