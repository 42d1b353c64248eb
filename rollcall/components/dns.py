"""Consul's domain for the host's own resolver and for its containers.

dnsmasq listens on the Docker bridges' addresses, hands Consul's domain to the host's agent and everything else
to the resolvers that the host had before. The host is told of it in one of two ways, and its containers follow,
since their resolv.conf is the engine's copy of the host's:

- plain: its address stands first in /etc/resolv.conf. The old resolvers stay behind it, so names outside
  Consul are found even while dnsmasq is down.
- systemd-resolved (127.0.0.53 in /etc/resolv.conf): a drop-in names it as the server for Consul's domain. The
  engine then copies /run/systemd/resolve/resolv.conf, where it stands first.
"""

from collections.abc import Collection
from dataclasses import dataclass

from rollcall.components.component import Component, Context
from rollcall.components.open_port import BOTH, HERE, OpenPort, one
from rollcall.components.template_files import render
from rollcall.config.fleet import Fleet, Member
from rollcall.converge.resources import (
    Absent,
    Container,
    Directory,
    File,
    FirstLine,
    Mount,
    Thing,
    configuration_digest,
)

FOLDER = "/etc/rollcall/dns"
# MiB, and processes: 8 and 21 were measured with 75,000 questions a second over UDP and as many at a time over TCP as
# dnsmasq takes, 20, each of which has a process of its own.
MEMORY = 64
PIDS = 64
RESOLV_CONF = "/etc/resolv.conf"
RESOLVED_UPSTREAM = "/run/systemd/resolve/resolv.conf"
_DROP_INS = "/etc/systemd/resolved.conf.d"
RESOLVED_DROP_IN = f"{_DROP_INS}/rollcall.conf"
RESOLVED_STUB = "nameserver 127.0.0.53"
RESTART_RESOLVED = "systemctl restart systemd-resolved"


@dataclass(frozen=True)
class Resolver:
    """How a host resolves names now: the texts of RESOLV_CONF and, if there is one, RESOLVED_UPSTREAM."""

    resolv_conf: str
    resolved_upstream: str = ""

    @property
    def is_resolved(self) -> bool:
        """Whether systemd-resolved is in charge."""
        return RESOLVED_STUB in self.resolv_conf.splitlines()


def resources(context: Context) -> tuple[Thing, ...]:
    """Say what DNS forwarding consists of on one host."""
    member, resolver = context.member, context.facts.resolver
    bridge, interface = context.facts.bridge, context.facts.bridge_interface
    settings = member.settings.dns
    if not settings.enabled:
        return withdrawn(bridge)
    domain = member.settings.consul.domain
    configuration = File(
        f"{FOLDER}/dnsmasq.conf",
        render("dns/dnsmasq.conf.j2", dns={"interface": interface, "domain": domain}),
    )
    return (
        Directory(FOLDER),
        configuration,
        File(f"{FOLDER}/upstream.conf", upstream(resolver, bridge)),
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
        *_announced(bridge, domain, resolver),
    )


def _announced(bridge: str, domain: str, resolver: Resolver) -> tuple[Thing, ...]:
    if not resolver.is_resolved:
        return (FirstLine(RESOLV_CONF, nameserver(bridge)),)
    text = render("dns/resolved.conf.j2", dns={"listen_address": bridge, "domain": domain})
    return (
        Directory(_DROP_INS),
        File(RESOLVED_DROP_IN, text, then=RESTART_RESOLVED),
    )


def withdrawn(bridge: str) -> tuple[Thing, ...]:
    """Say what the host's resolver is like without us."""
    return (
        Absent(RESOLVED_DROP_IN, then=RESTART_RESOLVED),
        FirstLine(RESOLV_CONF, nameserver(bridge), present=False),
    )


def emptied(files: Collection[str]) -> tuple[Directory, ...]:
    """Give the drop-in's directory where nothing else is in it; Debian has none, so a deploy made it.

    Args:
        files: paths that the host had before the drop-in was withdrawn.
    """
    others = [path for path in files if path.startswith(f"{_DROP_INS}/") and path != RESOLVED_DROP_IN]
    return (Directory(_DROP_INS),) if RESOLVED_DROP_IN in files and not others else ()


def nameserver(bridge: str) -> str:
    """Give the line of a resolv.conf that names the forwarder."""
    return f"nameserver {bridge}"


def upstream(resolver: Resolver, bridge: str) -> str:
    """Keep the resolvers the host had before: its own, without the forwarder."""
    text = resolver.resolved_upstream if resolver.is_resolved else resolver.resolv_conf
    own = nameserver(bridge)
    lines = [line for line in text.splitlines() if line.startswith("nameserver") and line != own]
    return "".join(f"{line}\n" for line in lines)


PORT = OpenPort("every host", one(53), BOTH, ("Docker's bridges",), "DNS: Consul's names and all others", HERE)


def open_ports(_fleet: Fleet, member: Member) -> tuple[OpenPort, ...]:
    """List the ports of the forwarder."""
    return (PORT,) if member.settings.dns.enabled else ()


COMPONENT = Component("DNS", resources, containers=("dns",), open_ports=open_ports)
