"""nginx at the front: its list is the catalog's, every backend is reached, headers tell who asked."""

import ipaddress
import json
from collections.abc import Callable, Collection

from rollcall.config.fleet import Member
from rollcall.contract import canary, maintenance_page
from rollcall.contract.timeouts import stretched
from rollcall.registrator.services.expected import Inspected
from rollcall.verify.catalog import Instance, behind
from rollcall.verify.check_error import CheckError, wait_until_none
from rollcall.verify.cluster import Cluster
from rollcall.verify.front_requests import Response, front_endpoint

# consul-template renders at the latest 500 ms after a change; nginx reloads in less than a second.
FOLLOW_SECONDS = 15
# least_conn spreads requests at random between idle instances: so many per instance miss one of them with a
# probability below 1 in 10,000, for any number up to 50.
REQUESTS_PER_INSTANCE = 15
# What nginx says itself when it reaches none of its backends; 0 is no answer at all.
NOT_REACHED = (0, 502, 503, 504)
NOBODY = "127.0.0.1:65535"
Says = Callable[[str], None]


def test_list(cluster: Cluster, says: Says) -> None:
    """nginx balances over the passing instances and no others"""
    for front in cluster.fronts:
        left = wait_until_none(lambda front=front: list_problems(cluster, front), FOLLOW_SECONDS)
        if left:
            command = cluster.shown(front.name, "docker logs --tail 20 front")
            raise CheckError(
                f"every passing instance of {services(front)} and no other, within {stretched(FOLLOW_SECONDS):g} s",
                left,
                command,
            )
        count = len(behind(front, cluster.catalog.instances()))
        says(f"{front.name}'s nginx balances over {count} passing instances of {services(front)}")


def list_problems(cluster: Cluster, front: Member) -> list[str]:
    wanted = {one.endpoint for one in behind(front, cluster.catalog.instances())} or {NOBODY}
    listed = cluster.nginx_sites(front).backends
    # A share of nought is no place in the list.
    optional = {one.endpoint for one in behind(front, cluster.catalog.instances()) if one.service in _canaries(cluster)}
    missing = [f"{front.name}: {one} is missing in nginx's list" for one in sorted(wanted - listed - optional)]
    return missing + [f"{front.name}: {one} should not be in nginx's list" for one in sorted(listed - wanted)]


def _canaries(cluster: Cluster) -> set[str]:
    """Return the services of which somebody gave some instances a share of their own, be it a very small one."""
    return {key.removeprefix(canary.PREFIX) for key in cluster.catalog.front_keys() if key.startswith(canary.PREFIX)}


def _is_closed(cluster: Cluster, front: Member) -> bool:
    """Tell whether somebody wants visitors of the default site to see a maintenance page."""
    return ("", "/") in maintenance_page.sentences(cluster.catalog.front_keys(), front.settings.front.server_name)


def services(front: Member) -> str:
    return " and ".join(front.settings.front.services)


def test_every_backend_is_reached(cluster: Cluster, says: Says) -> None:
    """Requests through the front reach every backend"""
    for front in cluster.fronts:
        if _is_closed(cluster, front):
            says(_closed(cluster, front))
            continue
        instances = behind(front, cluster.catalog.instances())
        says(reach_every_backend(cluster, front, instances))


def _closed(cluster: Cluster, front: Member) -> str:
    status = cluster.ask_front(front).status
    if status != 503:
        raise CheckError(
            "the maintenance page (503) that was asked for",
            f"{front.name}: {status or 'no answer'}",
            f"rollcall maintenance {cluster.source}",
        )
    return f"{front.name} shows the maintenance page, as was asked for, so no backend is reached"


def reach_every_backend(cluster: Cluster, front: Member, instances: tuple[Instance, ...]) -> str:
    """Send requests until every sample backend has answered. Others do not say who they are: any answer will do."""
    few = _canaries(cluster)
    samples = {(one.node, one.id.split(":")[1]) for one in instances if _is_sample(cluster, one, few)}
    silent, bound = set(samples), max(1, len(instances)) * REQUESTS_PER_INSTANCE
    for sent in range(1, bound + 1):
        response = cluster.ask_front(front, "/json" if samples else "/")
        if not instances and response.status == 502:
            return f"{front.name} has no backend to reach, and says so with a 502"
        if not instances or response.status in NOT_REACHED:
            raise CheckError(
                "an answer from a backend" if instances else "502, for nothing is behind the front",
                f"{front.name}: {response.status or 'no answer'} at request {sent}",
                cluster.shown(front.name, _curl(front)),
            )
        silent.discard(_who(response))
        if samples and not silent:
            return f"{front.name} reaches every backend: {len(samples)} of {len(samples)} answered {sent} requests"
    if silent:
        names = [f"{container} on {host}" for host, container in sorted(silent)]
        raise CheckError(
            f"an answer from each of {len(samples)} backends within {bound} requests",
            f"{front.name}: nothing from {', '.join(names)}",
            cluster.shown(front.name, "docker logs --tail 20 front"),
        )
    return f"{front.name} reaches its backends: {bound} of {bound} requests answered"


def _curl(front: Member) -> str:
    address, port = front_endpoint(front)
    scheme = "https" if front.settings.front.redirect else "http"
    return f'curl -ik -H "Host: {front.site_name}" {scheme}://{address}:{port}/'


def _who(response: Response) -> tuple[str, str]:
    """Return host and container of the sample backend that answered; another service says something else."""
    try:
        said = json.loads(response.body)
        return said["host"], said["container"]
    except (ValueError, TypeError, KeyError):
        return "", ""


def _is_sample(cluster: Cluster, instance: Instance, but: Collection[str] = ()) -> bool:
    """Only Rollcall's own backends answer with who they are; of a canary's, some get hardly any."""
    if instance.service in but:
        return False
    names = {(member.node, one["Name"]) for member in cluster.members for one in _backends(cluster, member)}
    return (instance.node, f"/{instance.id.split(':')[1]}") in names if instance.id.count(":") == 2 else False


def _backends(cluster: Cluster, member: Member) -> list[Inspected]:
    managed = cluster.surveys[member.name].managed
    return [one for one in managed if one["Config"]["Labels"]["rollcall.managed"] == "backend"]


def test_headers(cluster: Cluster, says: Says) -> None:
    """Backends see the site's name and the visitor's address"""
    for front in cluster.fronts:
        if _is_closed(cluster, front):
            says(f"{front.name} shows the maintenance page, so no backend says which headers it saw")
            continue
        if not any(_is_sample(cluster, one) for one in behind(front, cluster.catalog.instances())):
            says(f"{front.name} has no sample backend to say which headers it saw")
            continue
        name = front.site_name
        earlier = "198.51.100.7"
        response = cluster.ask_front(front, "/json", {"X-Forwarded-For": earlier})
        if response.status != 200:
            raise CheckError(
                "200 for /json",
                f"{front.name}: {response.status or 'no answer'}",
                cluster.shown(front.name, "docker logs --tail 20 front"),
            )
        seen = {key.lower(): value for key, value in json.loads(response.body)["headers"].items()}
        visitor = seen.get("x-real-ip", "")
        problems = [] if seen.get("host") == name else [f"Host: {seen.get('host')}, not {name}"]
        if not _is_address(visitor):
            problems.append(f"X-Real-IP: {visitor or 'missing'}, not the visitor's address")
        if seen.get("x-forwarded-for") != f"{earlier}, {visitor}":
            problems.append(f"X-Forwarded-For: {seen.get('x-forwarded-for')}, not {earlier}, {visitor}")
        if problems:
            command = cluster.shown(front.name, "docker exec front cat /var/lib/rollcall/front/current/nginx.conf")
            raise CheckError("the headers that the front was sent, and the visitor's address", problems, command)
        says(f"backends see Host: {name}, X-Real-IP: {visitor}, X-Forwarded-For: {earlier}, {visitor}")


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
