"""One address for all fronts: keepalived gives it to one of those which serve (VRRP, RFC 5798)."""

from collections.abc import Mapping

from rollcall.components.component import Component, Context
from rollcall.components.template_files import render
from rollcall.config.fleet import Fleet, Member
from rollcall.converge.resources import Container, Directory, File, Mount, Resource, Tmpfs

FOLDER = "/etc/rollcall/keepalived"
# Takes its changed file up and keeps the address meanwhile.
RELOAD = "docker kill --signal=HUP keepalived >/dev/null"
# 255 means the address's owner, which no front is (RFC 5798, 5.2.4).
HIGHEST_PRIORITY = 254
# MiB, and processes: two of keepalived and the check.
MEMORY = 64
PIDS = 16
LOOPBACK = "127.0.0.1"


def resources(context: Context) -> tuple[Resource, ...]:
    """Say what keepalived consists of on one host; nothing without a shared address.

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
            # For addresses of the host, and for packets of a protocol that is neither TCP nor UDP. Without the last it
            # cannot start its question to the front, and takes that for a yes (keepalived 2.3.3, tried).
            add_capabilities=("NET_ADMIN", "NET_RAW", "SETGID"),
            memory=MEMORY,
            pids=PIDS,
        ),
    )


def no_interface(member: Member, interfaces: Mapping[str, str]) -> str:
    """Say why a host has no interface for the shared address; nothing where it has one, or needs none."""
    wanted = member.settings.front.virtual_interface
    if not _takes_part(member) or (wanted or member.address) in (interfaces.values() if wanted else interfaces):
        return ""
    if wanted:
        return (
            f"{member.name}: front.virtual_interface is {wanted!r}, but the interfaces that have an address are "
            f"{', '.join(sorted({*interfaces.values()}))}; expected one of these"
        )
    return (
        f"{member.name}: no interface with its address {member.address} was found, perhaps for want of the program ip; "
        "expected the interface's name as front.virtual_interface"
    )


def _takes_part(member: Member) -> bool:
    return member.is_front and bool(member.settings.front.virtual_address)


def _configuration(fleet: Fleet, member: Member, interfaces: Mapping[str, str]) -> str:
    front = member.settings.front
    return render(
        "keepalived/keepalived.conf.j2",
        front={"address": LOOPBACK, "port": front.http_port},
        node=member.node,
        own=member.address,
        others=[other.address for other in fleet.fronts if other != member],
        interface=front.virtual_interface or interfaces.get(member.address, ""),
        router=front.virtual_router,
        # As far apart as can be: each waits a little longer than the one before it, lest two take the address at once.
        priority=HIGHEST_PRIORITY - fleet.fronts.index(member) * (HIGHEST_PRIORITY // len(fleet.fronts)),
        virtual_address=front.virtual_address,
    )


COMPONENT = Component("keepalived", resources, containers=("keepalived",))
