"""List the files that make a host's resolver use the forwarder, also when other programs write /etc/resolv.conf.

Each program's own configuration keeps the forwarder's line first. Files that do not apply are listed as absent, so a
host that changes its resolver, or leaves the fleet, keeps none of them.
"""

from rollcall.components.resolver import EARLIER_DROP_IN, RESOLV_CONF, RESOLVED_DROP_IN, Resolver
from rollcall.components.template_files import render
from rollcall.converge.resources import AbsentFile, Directory, File, LeadingLine, Resource

_NAMESERVER = "nameserver {}"
# For each program: the file that it reads, and the line to put first in it.
_LINES = {
    "": (RESOLV_CONF, _NAMESERVER),
    "resolvconf": ("/etc/resolvconf/resolv.conf.d/head", _NAMESERVER),
    "openresolv": ("/etc/resolvconf.conf", "name_servers={}"),
    "dhclient": ("/etc/dhcp/dhclient.conf", "prepend domain-name-servers {};"),
    "dhcpcd": ("/etc/resolv.conf.head", _NAMESERVER),
}
_NETWORK_MANAGER = "/etc/NetworkManager/dispatcher.d/90-rollcall-dns"
# Names below Consul's domain are unsigned.
_UNSIGNED = "/etc/dnssec-trust-anchors.d/rollcall.negative"
_ROUTE_UNIT = "/etc/systemd/system/rollcall-dns-route.service"
_ROUTE_PRIORITY = 32000
_RESTART = "systemctl restart systemd-resolved"
_FOLDERS = tuple(path.rsplit("/", 1)[0] for path in (RESOLVED_DROP_IN, _UNSIGNED))
_DISABLE = f"rmdir --ignore-fail-on-non-empty {' '.join(_FOLDERS)} 2>/dev/null; systemctl try-restart systemd-resolved"
_ROUTE = "systemctl daemon-reload && systemctl enable rollcall-dns-route && systemctl restart rollcall-dns-route"
# Its file is gone by then, but systemd shows a unit that is active until it is stopped.
_NO_ROUTE = (
    "systemctl stop rollcall-dns-route 2>/dev/null; "
    f"while ip rule del priority {_ROUTE_PRIORITY} 2>/dev/null; do :; done; "
    "rm -f /etc/systemd/system/sysinit.target.wants/rollcall-dns-route.service; systemctl daemon-reload"
)
_ABSENT = {
    RESOLVED_DROP_IN: _DISABLE,
    EARLIER_DROP_IN: _DISABLE,
    _UNSIGNED: _DISABLE,
    _NETWORK_MANAGER: "",
    _ROUTE_UNIT: _NO_ROUTE,
}

PATHS = (*_ABSENT, *_FOLDERS)
"""Files that a deploy must read as digests; those of TEXTS as whole texts."""
TEXTS = tuple(path for path, _ in _LINES.values())


def announced(bridge: str, domain: str, resolver: Resolver) -> tuple[Resource, ...]:
    """Return the files that make a host use the forwarder at its bridge's address."""
    wanted = [*_route(bridge, resolver)]
    if resolver.is_resolved:
        wanted += _resolved(bridge, domain, resolver)
    if not resolver.follows_resolved:
        wanted += _plain(bridge, resolver)
    return (*wanted, *_absent(bridge, resolver, {resource.path for resource in wanted}))


def withdrawn(bridge: str, resolver: Resolver) -> tuple[Resource, ...]:
    """Return the resources that restore the host's own resolver."""
    return _absent(bridge, resolver, set())


def _resolved(bridge: str, domain: str, resolver: Resolver) -> list[Directory | File | LeadingLine]:
    text = render("dns/resolved.conf.j2", dns={"listen_address": bridge, "domain": domain})
    files = [File(RESOLVED_DROP_IN, text, notify=_RESTART)]
    if resolver.validates:
        files.append(File(_UNSIGNED, f"{domain}\n", notify=_RESTART))
    return [*(Directory(file.path.rsplit("/", 1)[0]) for file in files), *files]


def _plain(bridge: str, resolver: Resolver) -> list[Directory | File | LeadingLine]:
    programs = {"", *resolver.programs}
    lines = [LeadingLine(path, line.format(bridge)) for program, (path, line) in _LINES.items() if program in programs]
    if "NetworkManager" not in resolver.active:
        return [*lines]
    hook = render("dns/networkmanager.j2", dns={"nameserver": _NAMESERVER.format(bridge)})
    return [File(_NETWORK_MANAGER, hook, mode=0o755), *lines]


def _route(bridge: str, resolver: Resolver) -> list[Directory | File | LeadingLine]:
    if "systemd" not in resolver.active or "ip" not in resolver.programs:
        return []
    unit = render("dns/route.service.j2", dns={"listen_address": bridge, "priority": _ROUTE_PRIORITY})
    return [File(_ROUTE_UNIT, unit, notify=_ROUTE)]


def _absent(bridge: str, resolver: Resolver, wanted: set[str]) -> tuple[Resource, ...]:
    """Return everything that must be absent; systemd-resolved's own file is never touched."""
    untouched = {RESOLV_CONF} if resolver.follows_resolved else set()
    lines = [
        LeadingLine(path, line.format(bridge), present=False)
        for path, line in _LINES.values()
        if path not in wanted | untouched
    ]
    return (*(AbsentFile(path, notify=command) for path, command in _ABSENT.items() if path not in wanted), *lines)
