"""Consul's domain for the host's own resolver and for its containers.

dnsmasq listens on the Docker bridges' addresses, hands Consul's domain to the host's agent and everything else
to the resolvers that the host had before (`resolver`). `resolver_files` makes the host use it, and its containers
follow, since their resolv.conf is the engine's copy of the host's.
"""

from rollcall.components.component import Component, Context
from rollcall.components.open_port import BOTH, HERE, OpenPort, single
from rollcall.components.resolver import Resolver, plain
from rollcall.components.resolver_files import announced, withdrawn
from rollcall.components.template_files import render
from rollcall.config.fleet import Fleet, Member
from rollcall.converge.resources import (
    Container,
    Directory,
    File,
    Mount,
    Resource,
    configuration_digest,
)

FOLDER = "/etc/rollcall/dns"
# MiB, and processes: 8 and 21 were measured with 75,000 questions a second over UDP and as many at a time over TCP as
# dnsmasq takes, 20, each of which has a process of its own.
MEMORY = 64
PIDS = 64


def resources(context: Context) -> tuple[Resource, ...]:
    """Say what DNS forwarding consists of on one host."""
    member, resolver = context.member, context.facts.resolver
    bridge, interface = context.facts.bridge, context.facts.bridge_interface
    settings = member.settings.dns
    if not settings.enabled:
        return withdrawn(bridge, resolver)
    servers = resolver.servers(bridge)
    domain = member.settings.consul.domain
    configuration = File(
        f"{FOLDER}/dnsmasq.conf",
        render(
            "dns/dnsmasq.conf.j2",
            dns={"interface": interface, "domain": domain, "servers": [one for one in servers if "#" in one]},
        ),
    )
    return (
        Directory(FOLDER),
        configuration,
        File(f"{FOLDER}/upstream.conf", plain(servers)),
        Container(
            name="dns",
            component="dns",
            image=member.image(settings.image),
            image_source=member.image_source(settings.image, settings.image_source),
            environment=(("SERVICE_IGNORE", "true"),),
            network="host",
            hostname=member.node,
            listens=((bridge, 53),),
            mounts=(Mount(FOLDER, FOLDER),),
            # For port 53, and to become the user dnsmasq, who keeps the first, for bridges that come later. It starts
            # with no fewer.
            add_capabilities=("NET_BIND_SERVICE", "SETGID", "SETUID"),
            memory=MEMORY,
            pids=PIDS,
            configuration=configuration_digest((configuration,)),  # dnsmasq itself watches upstream.conf
        ),
        *announced(bridge, domain, resolver),
    )


def unusable(member: Member, resolver: Resolver) -> str:
    """Say why the host's resolver cannot use the forwarder; nothing if it can."""
    if not (member.settings.dns.enabled and resolver.wants_tls):
        return ""
    return (
        f"{member.name}: DNSOverTLS: systemd-resolved requires TLS, which the forwarder does not speak; "
        'expected DNSOverTLS=opportunistic or no in resolved.conf, or `dns = {"enabled": False}`'
    )


def not_held(member: Member, resolver: Resolver) -> str:
    """Say who may undo what a deploy writes to /etc/resolv.conf; nothing if nobody does."""
    if not (member.settings.dns.enabled and resolver.unknown_writer):
        return ""
    return (
        f"{member.name}: /etc/resolv.conf: {resolver.unknown_writer} writes this file and may take the forwarder's "
        "line out; deploy again after it did, or make it keep that line first (docs/dns.md)"
    )


PORT = OpenPort("every host", single(53), BOTH, ("Docker's bridges",), "DNS: Consul's names and all others", HERE)


def open_ports(_fleet: Fleet, member: Member) -> tuple[OpenPort, ...]:
    """List the ports of the forwarder."""
    return (PORT,) if member.settings.dns.enabled else ()


COMPONENT = Component("DNS", resources, containers=("dns",), open_ports=open_ports)
