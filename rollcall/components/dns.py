"""Resolve Consul's domain on the host and in its containers.

dnsmasq listens on the Docker bridges' addresses and forwards Consul's domain to the host's agent, everything else to
the resolvers that the host had before (`resolver`). `resolver_files` makes the host use it; its containers follow,
since the engine copies the host's resolv.conf into them.
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
# MiB, and processes: measured 8 and 21 under 75,000 UDP queries per second and 20 concurrent TCP connections, dnsmasq's
# maximum, each with its own process.
MEMORY = 64
PIDS = 64
# A container of the agent's image asks as the host does: hosts rarely have a tool that asks a particular server.
_TRIAL = r"""
docker run --rm --pull never --network host --dns {bridge} --read-only --cap-drop ALL --env SERVICE_IGNORE=true \
  --entrypoint getent "$(docker inspect --format '{{{{.Image}}}}' consul)" hosts {name} >/dev/null || {{
  echo 'dns at {bridge} returns nothing for {name}' >&2; exit 1
}}
"""


def resources(context: Context) -> tuple[Resource, ...]:
    """Return the resources of DNS forwarding on one host."""
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
            dns={"interface": interface, "domain": domain, "servers": [server for server in servers if "#" in server]},
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
            # To listen on port 53, also on bridges that appear later, and to switch to the user dnsmasq. It does not
            # start with fewer.
            add_capabilities=("NET_BIND_SERVICE", "SETGID", "SETUID"),
            memory=MEMORY,
            pids=PIDS,
            configuration=configuration_digest((configuration,)),  # dnsmasq itself watches upstream.conf
            trial_command=_TRIAL.format(bridge=bridge, name=f"consul.service.{domain}"),
        ),
        *announced(bridge, domain, resolver),
    )


def unusable(member: Member, resolver: Resolver) -> str:
    """Return an error if the host's resolver cannot use the forwarder, otherwise ""."""
    if not (member.settings.dns.enabled and resolver.wants_tls):
        return ""
    return (
        f"{member.name}: DNSOverTLS: systemd-resolved requires TLS, which the forwarder does not support; "
        'expected DNSOverTLS=opportunistic or no in resolved.conf, or `dns = {"enabled": False}`'
    )


def not_held(member: Member, resolver: Resolver) -> str:
    """Return a warning if an unknown program may rewrite /etc/resolv.conf, otherwise ""."""
    if not (member.settings.dns.enabled and resolver.unknown_writer):
        return ""
    return (
        f"{member.name}: /etc/resolv.conf: {resolver.unknown_writer} writes this file and may remove the forwarder's "
        "line; deploy again afterwards, or configure it to keep that line first (docs/dns.md)"
    )


PORT = OpenPort("every host", single(53), BOTH, ("Docker's bridges",), "DNS: Consul's names and all others", HERE)


def open_ports(_fleet: Fleet, member: Member) -> tuple[OpenPort, ...]:
    """Return the ports of the forwarder."""
    return (PORT,) if member.settings.dns.enabled else ()


COMPONENT = Component("DNS", resources, containers=("dns",), open_ports=open_ports)
