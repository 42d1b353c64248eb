"""Read what a plan of faults depends on: a status, each host's own tools, and the sites to request."""

from collections.abc import Mapping, Sequence

from rollcall import sections
from rollcall.chaos import host_scripts
from rollcall.chaos.load import Site
from rollcall.chaos.world import Instance, Place, World
from rollcall.config.fleet import Fleet, Member
from rollcall.config.inventory import Host
from rollcall.errors import RollcallError
from rollcall.remote import parallel
from rollcall.remote.run import TIMEOUT_SECONDS, Shell
from rollcall.remote.tunnel import Endpoint
from rollcall.status.fleet_status import FleetStatus, Row
from rollcall.verify.front_requests import preface

# More sites than these are too many for a modest load.
MOST_SITES = 20


def world(fleet: Fleet, hosts: Sequence[Host], status: FleetStatus, probes: Mapping[str, str]) -> World:
    """Join what is known of the hosts.

    Args:
        fleet: all hosts.
        hosts: how each is reached.
        status: the fleet as it is now.
        probes: each host's response to host_scripts.PROBE.

    Raises:
        ValueError: a response is cut off.
    """
    rows = [row for service in status.services for row in service.rows if row.fronts and row.consul == "passing"]
    return World(
        tuple(
            _place(fleet.member(host.name), host, rows, sections.read(probes[host.name], host_scripts.SECTIONS))
            for host in hosts
        )
    )


def _place(member: Member, host: Host, rows: Sequence[Row], probe: Mapping[str, str]) -> Place:
    containers = [line.split() for line in sections.lines(probe["containers"])]
    # Docker removes a container of `docker run --rm` at its death, and nothing brings it back.
    running = frozenset(name.lstrip("/") for name, removed_at_end in containers if removed_at_end != "true")
    own = {
        Instance(row.service, row.container)
        for row in rows
        if row.node == member.node and row.container and row.container in running
    }
    free = sections.lines(probe["free"])
    return Place(
        name=member.name,
        address=member.address,
        is_server=member.is_server,
        is_front=member.is_front,
        running=running,
        instances=tuple(sorted(own, key=lambda one: (one.service, one.container))),
        tools=frozenset(sections.lines(probe["tools"])),
        free_mib=int(free[0]) // 1024 if free and free[0].isdigit() else None,
        ssh_port=host.port or 22,
    )


def probed(shells: Mapping[str, Shell]) -> dict[str, str]:
    """Ask every host for its tools, in parallel. Raises RollcallError: one does not respond."""
    return read_all(shells, host_scripts.PROBE)


def read_all(shells: Mapping[str, Shell], script: str, timeout_seconds: float = TIMEOUT_SECONDS) -> dict[str, str]:
    """Run a script on every host in parallel and return its output by host.

    Raises:
        RollcallError: it failed on one.
    """
    said = parallel.on_each(shells.values(), lambda shell: shell.read(script, timeout_seconds=timeout_seconds))
    return dict(zip(shells, said, strict=True))


def sites(fleet: Fleet, status: FleetStatus, endpoints: Mapping[str, Endpoint]) -> list[Site]:
    """Return the sites that the fronts serve now, as each front's own address on this machine reaches them.

    Raises:
        RollcallError: no front serves anything.
    """
    found = []
    for member in fleet.fronts:
        served = {
            (str(route["host"]), str(route["path"]))
            for route in (status.fronts.get(member.node) or {}).get("routes", ())
            if not route["maintenance"] and not str(route["host"]).startswith("*")
        }
        for host, path in sorted(served)[:MOST_SITES]:
            found.append(
                Site(
                    front=member.name,
                    endpoint=endpoints[member.name],
                    host=host or member.site_name,
                    path=path,
                    tls=bool(member.settings.front.redirect),
                    preface=preface(member),
                )
            )
    if not found:
        raise RollcallError("no front serves a site, so nothing shows what a fault costs; expected a route")
    return found
