"""Containers that say where they want to be reached are reached there: what the front's nginx has, against Docker."""

from collections.abc import Callable

from rollcall.config.fleet import Member
from rollcall.contract.timeouts import stretched
from rollcall.registrator.services.expected import virtual_hosts
from rollcall.verify.check_error import CheckError, wait_until_none
from rollcall.verify.checks.test_front import FOLLOW_SECONDS
from rollcall.verify.cluster import Cluster


def test_wished_hosts(cluster: Cluster, says: Callable[[str], None]) -> None:
    """Every passing container is in nginx's list for each host that it names"""
    for front in cluster.fronts:
        left = wait_until_none(lambda front=front: _problems(cluster, front), FOLLOW_SECONDS)
        if left:
            command = cluster.shown(front.name, "docker exec front front status")
            raise CheckError(
                f"containers at the hosts that they name, within {stretched(FOLLOW_SECONDS):g} s", left, command
            )
        wished = _wished(cluster)
        hosts = {host for one in wished.values() for host in one}
        says(
            f"{front.name} leads to {len(wished)} services at the {len(hosts)} host names that they ask for"
            if wished
            else f"no container asks {front.name} for a host name"
        )


def _problems(cluster: Cluster, front: Member) -> list[str]:
    """A host may lead to more than those that name it, by settings; or to a maintenance page, by an operator's wish."""
    cluster.look_at_containers()
    served = cluster.nginx_sites(front)
    return [
        f"{front.name}: {host} does not lead to {endpoint}, which asks for it"
        for endpoint, hosts in sorted(_wished(cluster).items())
        for host in sorted(hosts)
        if host not in served.closed and endpoint not in served.hosts.get(host, ())
    ]


def _wished(cluster: Cluster) -> dict[str, frozenset[str]]:
    """Return the hosts that passing instances ask for, by address:port."""
    passing = {(one.node, one.id): one.endpoint for one in cluster.catalog.instances() if one.passing}
    return {
        passing[member.node, service.id]: virtual_hosts(service)
        for member in cluster.members
        for service in cluster.expected(member).services.values()
        if virtual_hosts(service) and (member.node, service.id) in passing
    }
