"""Share one address among all fronts: keepalived assigns it to a front that serves (VRRP, RFC 5798)."""

from collections.abc import Mapping

from rollcall.components.component import Component, Context
from rollcall.components.template_files import render
from rollcall.config.fleet import Fleet, Member
from rollcall.converge.resources import Container, Directory, File, Mount, Resource, Tmpfs

FOLDER = "/etc/rollcall/keepalived"
# keepalived reloads its file and keeps the address meanwhile.
RELOAD = "docker kill --signal=HUP keepalived >/dev/null"
# 255 is reserved for the address's owner (RFC 5798, 5.2.4); no front owns it.
HIGHEST_PRIORITY = 254
# MiB, and processes: two of keepalived's and the check's.
MEMORY = 64
PIDS = 16
LOOPBACK = "127.0.0.1"


def resources(context: Context) -> tuple[Resource, ...]:
    """Return the resources of keepalived on one host; none without a shared address.

    All fronts take part, in the order of the inventory.
    """
    fleet, member, interfaces = context.fleet, context.member, context.facts.interfaces
    if not _takes_part(member):
        return ()
    settings = member.settings.keepalived
    return (
        Directory(FOLDER),
        File(
            f"{FOLDER}/keepalived.conf", _configuration(fleet, member, interfaces), notify=RELOAD, consumer="keepalived"
        ),
        Container(
            name="keepalived",
            component="keepalived",
            image=member.image(settings.image),
            image_source=member.image_source(settings.image, settings.image_source),
            environment=(("SERVICE_IGNORE", "true"),),
            network="host",
            hostname=member.node,
            mounts=(Mount(FOLDER, FOLDER),),
            tmpfs=(Tmpfs("/run/keepalived", "mode=0700,size=1m"),),
            # To set the host's addresses and to send VRRP packets. Without SETGID it cannot start its check of the
            # front, and counts that as a success (keepalived 2.3.3, tried).
            add_capabilities=("NET_ADMIN", "NET_RAW", "SETGID"),
            memory=MEMORY,
            pids=PIDS,
        ),
    )


def no_interface(member: Member, interfaces: Mapping[str, str]) -> str:
    """Return an error if a host needs an interface for the shared address and has none, otherwise ""."""
    wanted = member.settings.front.virtual_interface
    if not _takes_part(member) or (wanted or member.address) in (interfaces.values() if wanted else interfaces):
        return ""
    if wanted:
        return (
            f"{member.name}: front.virtual_interface: got {wanted!r}; expected an interface that has an address: "
            f"{', '.join(sorted({*interfaces.values()}))}"
        )
    return (
        f"{member.name}: front.virtual_interface: got nothing, and no interface with the address {member.address} was "
        "found (is the program ip missing?); expected the interface's name"
    )


def _takes_part(member: Member) -> bool:
    return member.is_front and bool(member.settings.front.virtual_address)


def _configuration(fleet: Fleet, member: Member, interfaces: Mapping[str, str]) -> str:
    front = member.settings.front
    # By name: with the digests of its services' images in its settings, the member differs from the fleet's.
    names = [other.name for other in fleet.fronts]
    return render(
        "keepalived/keepalived.conf.j2",
        front={"address": LOOPBACK, "port": front.http_port},
        node=member.node,
        own=member.address,
        others=[other.address for other in fleet.fronts if other.name != member.name],
        interface=front.virtual_interface or interfaces.get(member.address, ""),
        router=front.virtual_router,
        # As far apart as possible: each front waits longer than the one before it, so only one takes the address.
        priority=HIGHEST_PRIORITY - names.index(member.name) * (HIGHEST_PRIORITY // len(names)),
        virtual_address=front.virtual_address,
    )


COMPONENT = Component("keepalived", resources, containers=("keepalived",))
