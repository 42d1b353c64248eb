"""Describe a host's Consul agent: server or client, one container on the host's network."""

import json
import re
from collections.abc import Container as Collection
from typing import Any

from rollcall.components import node_id
from rollcall.components.component import Component, Context
from rollcall.components.open_port import BOTH, HERE, TCP, At, OpenPort, single
from rollcall.components.template_files import render
from rollcall.config.fleet import Fleet, Member
from rollcall.consul import agent_queries
from rollcall.contract import local_agent
from rollcall.converge.resources import Container, Directory, File, Mount, Resource, Tmpfs, Volume, configuration_digest
from rollcall.secrets.identity import ON_HOSTS
from rollcall.secrets.store import Secrets

FOLDER = "/etc/rollcall/consul"
VOLUME = "consul-data"
IDENTITY = ON_HOSTS
# The user consul of the official image; its entrypoint would otherwise start as root and switch to it.
OWNER = "100:1000"
# After its stop signal Consul needs up to this long to leave the cluster or hand over leadership.
STOP_TIMEOUT_SECONDS = 15
# Only servers have this file.
MANAGEMENT = "40-management.json"
# The configuration that the agent last started with.
AGENT = f"{FOLDER}/10-agent.hcl"
SERVERS = f"{FOLDER}/15-servers.hcl"
_RETRY_JOIN = re.compile(r"^retry_join\s*=\s*\[(.*)\]", re.MULTILINE)
_ADDRESS = re.compile(r'^advertise_addr\s*=\s*"([^"]+)"', re.MULTILINE)
_NODE_NAME = re.compile(r'^node_name\s*=\s*"([^"]+)"', re.MULTILINE)
# A restart reads more settings, but interrupts the agent.
RELOAD = "docker kill --signal=HUP consul >/dev/null"


def resources(context: Context) -> tuple[Resource, ...]:
    """Return the resources of one host's Consul agent."""
    fleet, member, bridge, secrets = context.fleet, context.member, context.facts.bridge, context.secrets
    settings = member.settings
    read_at_start = _read_at_start(member, bridge, secrets)
    return (
        File(IDENTITY, str(secrets.identity)),
        Directory(FOLDER, 0o700, OWNER),
        *read_at_start,
        _servers(fleet, member),
        # Without a restart: a running agent has this id already.
        *([] if member.is_server else [node_id.file(member, context.facts.node_id, secrets.identity.fleet, OWNER)]),
        *_read_again(member, secrets),
        Volume(VOLUME),
        Container(
            name="consul",
            component="consul",
            image=settings.consul.image,
            image_source=member.image_source(settings.consul.image, settings.consul.image_source),
            command=("agent",),
            environment=(("SERVICE_IGNORE", "true"),),
            network="host",
            hostname=member.node,
            listens=_listens(member, bridge),
            mounts=(Mount(FOLDER, "/consul/config"), Mount(VOLUME, "/consul/data", read_only=False)),
            tmpfs=(Tmpfs("/tmp"),),  # noqa: S108 - inside the container
            user=OWNER,
            memory=settings.consul.memory,
            pids=512,
            stop_timeout=STOP_TIMEOUT_SECONDS * settings.timeout_factor,
            configuration=configuration_digest(read_at_start),
        ),
    )


def _listens(member: Member, bridge: str) -> tuple[tuple[str, int], ...]:
    inside = (local_agent.ENDPOINT, (bridge, local_agent.PORT), ("127.0.0.1", 8600))
    outside = tuple((member.address, port) for port in ((8300, 8301, 8501) if member.is_server else (8301, 8501)))
    return inside + outside


def _read_at_start(member: Member, bridge: str, secrets: Secrets) -> tuple[File, ...]:
    """Return the files that an agent reads only at its start, and restarts for.

    Consul merges a directory's files in the order of their names: the user's additions come last.
    """
    settings = member.settings
    agent = render(
        "consul/agent.hcl.j2",
        node=member.node,
        address=member.address,
        bridge=bridge,
        is_server=member.is_server,
        consul=settings.consul,
        consul_server=settings.consul_server,
    )
    files = [_private("10-agent.hcl", agent)]
    if member.is_server:
        # A new leader creates this token if it does not exist; a new value requires a restart.
        management = {"acl": {"tokens": {"initial_management": secrets.tokens.secret("management")}}}
        files.append(_private(MANAGEMENT, _json(management)))
    files += [_private("50-extra.json", _json(settings.consul.extra))] if settings.consul.extra else []
    if member.is_server and settings.consul_server.extra:
        files.append(_private("60-server-extra.json", _json(settings.consul_server.extra)))
    return tuple(files)


def _servers(fleet: Fleet, member: Member) -> File:
    """Return the file of the servers' addresses: a running agent learns of servers that come and go by gossip."""
    addresses = [server.address for server in fleet.servers]
    return _private("15-servers.hcl", render("consul/servers.hcl.j2", servers=addresses, is_server=member.is_server))


def _read_again(member: Member, secrets: Secrets) -> tuple[Resource, ...]:
    """Return the files that a running agent reloads, and the gossip key, which it keeps in its keyring from then on."""
    certificate = secrets.agents[member.node]
    tokens = {"agent": secrets.tokens.secret("agent", member.node), "dns": secrets.tokens.secret("dns")}
    header = f"X-Consul-Token: {secrets.tokens.secret('auditor')}\n"
    resources: list[Resource] = [
        _private("20-gossip.json", _json({"encrypt": secrets.gossip_key})),
        _private("30-tokens.json", _json({"acl": {"tokens": tokens}}), RELOAD),
        Directory(f"{FOLDER}/tls", 0o700, OWNER),
        _private("tls/ca.crt", secrets.authority, RELOAD),
        _private("tls/agent.crt", certificate.certificate, RELOAD),
        _private("tls/agent.key", certificate.key, RELOAD),
    ]
    if member.is_server:
        resources += [Directory(f"{FOLDER}/auditor", 0o700, OWNER), _private(agent_queries.HEADER, header)]
    return tuple(resources)


def _private(name: str, text: str, notify: str = "") -> File:
    return File(f"{FOLDER}/{name}", text, 0o600, OWNER, notify, consumer="consul" if notify else "")


def _json(content: dict[str, Any]) -> str:
    return json.dumps(content, indent=2, sort_keys=True) + "\n"


_OUTSIDE: tuple[At, ...] = ("the host's address",)
RPC = OpenPort("servers", single(8300), TCP, _OUTSIDE, "Consul's RPC", "agents, by a certificate of the fleet")
PORTS = (
    OpenPort("every host", single(8301), BOTH, _OUTSIDE, "Consul's gossip", "agents, by the gossip key"),
    OpenPort(
        "every host",
        single(8501),
        TCP,
        ("the host's address", "loopback"),
        "Consul's API by HTTPS",
        "whoever has a certificate of the fleet, and a token",
    ),
    OpenPort(
        "every host",
        single(local_agent.PORT),
        TCP,
        ("loopback", "Docker's bridge"),
        "Consul's API",
        f"{HERE}, with a token",
    ),
    OpenPort("every host", single(8600), BOTH, ("loopback",), "Consul's DNS", "the host"),
)


def open_ports(_fleet: Fleet, member: Member) -> tuple[OpenPort, ...]:
    """Return the ports of an agent."""
    return (RPC, *PORTS) if member.is_server else PORTS


def was_server(paths: Collection[str]) -> bool:
    """Return whether a host's agent was last deployed as a server, judged by the host's files."""
    return f"{FOLDER}/{MANAGEMENT}" in paths


def renamed(member: Member, agent: str, source: str) -> str:
    """Return an error if a host would change its name in Consul, otherwise "".

    Args:
        member: the host.
        agent: the text of its agent's configuration, as last deployed.
        source: the inventory as the user typed it.
    """
    found = _NODE_NAME.search(agent)
    if found is None or found[1] == member.node:
        return ""
    return (
        f"node: got {member.node!r}, but the Consul agent of {member.name} runs as {found[1]!r}, and its services and "
        f'DNS names with it; keep that name by ("{member.name}", {{"node": "{found[1]}"}}); for the new name, write '
        f"that, run `rollcall remove {source} --host {member.name}`, take it out again, and deploy"
    )


def deployed_address(agent: str) -> str:
    """Return the address in the text of an agent's configuration, as last deployed; "" without one."""
    found = _ADDRESS.search(agent)
    return found[1] if found else ""


def begins_anew(fleet: Fleet, servers: str) -> str:
    """Return a sentence if none of the servers that a host's agent was deployed with remains, otherwise "".

    New servers without a former one would start with an empty catalog.

    Args:
        fleet: the hosts.
        servers: the text of the host's file of servers, as last deployed.
    """
    before = re.findall(r'"([^"]+)"', found[1]) if (found := _RETRY_JOIN.search(servers)) else []
    if not before or {server.address for server in fleet.servers} & set(before):
        return ""
    return (
        f"none of the fleet's Consul servers remains ({', '.join(before)}): this deploy starts new ones, without "
        "keys and catalog; to keep these, leave one in consul_servers until the new ones have joined"
    )


COMPONENT = Component("Consul", resources, containers=("consul",), volumes=(VOLUME,), open_ports=open_ports)
