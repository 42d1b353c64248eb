"""Consul's domain for the host's own resolver and for its containers.

dnsmasq listens on the Docker bridge's address, hands Consul's domain to the host's agent and everything else
to the resolvers that the host had before. That address then stands first in /etc/resolv.conf: the host asks
it, and so do its containers, whose resolv.conf is the engine's copy of the host's. The old resolvers stay
behind it, so names outside Consul are found even while dnsmasq is down.
"""

from rollcall.desired import Container, Directory, File, FirstLine, Mount, Thing, configuration_digest
from rollcall.fleet import Member
from rollcall.templates import render

FOLDER = "/etc/rollcall/dns"
RESOLV_CONF = "/etc/resolv.conf"


def desired(member: Member, bridge: str, resolv_conf: str) -> tuple[Thing, ...]:
    """Say what DNS forwarding consists of on one host.

    Args:
        member: the host.
        bridge: its Docker bridge address.
        resolv_conf: the text of its /etc/resolv.conf as it is now.
    """
    line = nameserver(bridge)
    settings = member.settings.dns
    if not settings.enabled:
        return (FirstLine(RESOLV_CONF, line, present=False),)
    configuration = File(
        f"{FOLDER}/dnsmasq.conf",
        render("dns/dnsmasq.conf.j2", dns={"listen_address": bridge, "domain": member.settings.consul.domain}),
    )
    files = (Directory(FOLDER), configuration, File(f"{FOLDER}/upstream.conf", upstream(resolv_conf, line)))
    return (
        *files,
        Container(
            name="dns",
            component="dns",
            image=settings.image,
            image_source=settings.image_source or member.settings.image_source,
            environment=(("SERVICE_IGNORE", "true"),),
            network="host",
            hostname=member.node,
            mounts=(Mount(FOLDER, FOLDER),),
            configuration=configuration_digest((configuration,)),  # dnsmasq itself watches upstream.conf
        ),
        FirstLine(RESOLV_CONF, line),
    )


def nameserver(bridge: str) -> str:
    """Give the line of /etc/resolv.conf that names the forwarder."""
    return f"nameserver {bridge}"


def upstream(resolv_conf: str, own_line: str) -> str:
    """Keep the resolvers the host had before: its resolv.conf without our own line."""
    lines = [line for line in resolv_conf.splitlines() if line.startswith("nameserver") and line != own_line]
    return "".join(f"{line}\n" for line in lines)
