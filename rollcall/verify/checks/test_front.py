"""nginx at the front: its list is the catalog's, every backend is reached, headers tell who asked."""

import ipaddress
import json
import uuid
from collections.abc import Callable, Collection, Mapping

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
# nginx writes its log every half second.
LOGGED_SECONDS = 5
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
        if is_given_away(front):
            says(f"{front.name} has no services of its own behind the default site")
            continue
        count = len(behind(front, cluster.catalog.instances()))
        says(f"{front.name}'s nginx balances over {count} passing instances of {services(front)}")


def list_problems(cluster: Cluster, front: Member) -> list[str]:
    if is_given_away(front):
        return []
    wanted = {one.endpoint for one in behind(front, cluster.catalog.instances())} or {NOBODY}
    listed = cluster.nginx_sites(front).backends
    # A share of nought is no place in the list.
    optional = {one.endpoint for one in behind(front, cluster.catalog.instances()) if one.service in _canaries(cluster)}
    missing = [f"{front.name}: {one} is missing in nginx's list" for one in sorted(wanted - listed - optional)]
    return missing + [f"{front.name}: {one} should not be in nginx's list" for one in sorted(listed - wanted)]


def is_given_away(front: Member) -> bool:
    """Tell whether the default site has no services of its own: none are set, or a route has its place."""
    settings = front.settings.front
    names = {route.host.lower() for route in settings.routes if route.path == "/"}
    return not settings.services or (bool(settings.server_name) and settings.server_name.lower() in names)


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
        if is_given_away(front) and front.settings.front.services:
            says(f"{front.name} leads its default site to a service of front.routes")
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
    if not instances:
        return _nobody(cluster, front)
    few = _canaries(cluster)
    samples = {(one.node, one.id.split(":")[1]) for one in instances if _is_sample(cluster, one, few)}
    silent, bound = set(samples), len(instances) * REQUESTS_PER_INSTANCE
    for sent in range(1, bound + 1):
        mark = uuid.uuid4().hex
        response = cluster.ask_front(front, "/json" if samples else "/", {"X-Request-ID": mark})
        if response.status in NOT_REACHED and not _is_an_instances_own(cluster, front, mark):
            raise CheckError(
                "an answer from a backend",
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


def _nobody(cluster: Cluster, front: Member) -> str:
    """Without an instance the default site is a 502, without services a 404; its name may be another service's."""
    response = cluster.ask_front(front)
    named = cluster.nginx_sites(front).hosts.get(front.settings.front.server_name.lower(), frozenset())
    if named - {NOBODY}:
        return f"{front.name} has no backend for its default site; {front.site_name} leads to other services"
    expected = 502 if front.settings.front.services else 404
    if response.status != expected:
        raise CheckError(
            f"{expected}, for nothing is behind the front",
            f"{front.name}: {response.status or 'no answer'}",
            cluster.shown(front.name, _curl(front)),
        )
    return f"{front.name} has no backend to reach, and says so with a {expected}"


def _is_an_instances_own(cluster: Cluster, front: Member, mark: str) -> bool:
    """Tell by the front's log whether an instance was reached: what it then does with a request is its own affair."""
    logged: list[Mapping[str, str]] = []

    def missing() -> list[str]:
        found = cluster.run(front.name, f"docker logs --since 1m front 2>/dev/null | grep -F {mark} || true")
        logged.extend(json.loads(line) for line in found.splitlines() if line.startswith("{"))
        return [] if logged else ["not logged yet"]

    wait_until_none(missing, LOGGED_SECONDS)
    # nginx has a time for each try that got a connection, and a dash for the others.
    return any(one["upstream_connect_seconds"].rpartition(" ")[2] not in ("", "-") for one in logged)


def _curl(front: Member) -> str:
    address, port = front_endpoint(front)
    scheme = "https" if front.settings.front.redirect else "http"
    return f'curl -ik -H "Host: {front.site_name}" {scheme}://{address}:{port}/'


def _who(response: Response) -> tuple[str, str]:
    """Return host and container of the sample backend that answered; another service says something else."""
    try:
        said = json.loads(response.body)
        return str(said["host"]), str(said["container"])
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
    earlier = "198.51.100.7"
    for front in cluster.fronts:
        if _is_closed(cluster, front):
            says(f"{front.name} shows the maintenance page, so no backend says which headers it saw")
            continue
        response = _from_sample(cluster, front, {"X-Forwarded-For": earlier})
        if response is None:
            says(f"no sample backend of {front.name} answered, to say which headers it saw")
            continue
        name = front.site_name
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


def _from_sample(cluster: Cluster, front: Member, headers: Mapping[str, str]) -> Response | None:
    """Send requests until one of Rollcall's own backends answers; that each of them is reached is another check's."""
    instances = behind(front, cluster.catalog.instances())
    samples = {(one.node, one.id.split(":")[1]) for one in instances if _is_sample(cluster, one)}
    for _ in range(len(instances) * REQUESTS_PER_INSTANCE if samples else 0):
        response = cluster.ask_front(front, "/json", headers)
        if response.status == 200 and _who(response) in samples:
            return response
    return None


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
