"""Check nginx at the fronts: its instances match the catalog, every backend responds, headers are right."""

import ipaddress
import json
import uuid
from collections.abc import Callable, Collection, Mapping
from functools import partial

from rollcall.config.fleet import Member
from rollcall.contract import access_log, canary, maintenance_page
from rollcall.contract.timeouts import stretched
from rollcall.registrator.services.expected import Inspected
from rollcall.verify import samples
from rollcall.verify.catalog import Instance, behind
from rollcall.verify.check_error import CheckError, wait_until_none
from rollcall.verify.cluster import Cluster
from rollcall.verify.front_requests import Response, front_endpoint

# consul-template renders within 500 ms of a change; nginx reloads within a second.
FOLLOW_TIMEOUT_SECONDS = 15
# least_conn spreads requests at random between idle instances: this many per instance miss one with a
# probability below 1 in 10,000, for any number up to 50.
REQUESTS_PER_INSTANCE = 15
# nginx's own responses when it reaches no backend; 0 is no response.
NOT_REACHED = (0, 502, 503, 504)
NO_INSTANCE = "127.0.0.1:65535"
# nginx writes its log every half second.
LOG_TIMEOUT_SECONDS = 5
Report = Callable[[str], None]


def test_list(cluster: Cluster, passed: Report) -> None:
    """nginx balances over exactly the passing instances"""
    for front in cluster.fronts:
        left = wait_until_none(partial(list_problems, cluster, front), FOLLOW_TIMEOUT_SECONDS, cluster.begun)
        if left:
            command = cluster.command_line(front.name, "docker logs --tail 20 front")
            raise CheckError(
                f"exactly the passing instances of {services(front)}, within {stretched(FOLLOW_TIMEOUT_SECONDS):g} s",
                left,
                command,
            )
        if is_given_away(front):
            passed(f"{front.name} has no services of its own behind the default site")
            continue
        count = len(behind(front, cluster.catalog.instances()))
        passed(f"{front.name}'s nginx balances over {count} passing instances of {services(front)}")


def list_problems(cluster: Cluster, front: Member) -> list[str]:
    if is_given_away(front):
        return []
    wanted = {instance.endpoint for instance in behind(front, cluster.catalog.instances())} or {NO_INSTANCE}
    listed = cluster.nginx_sites(front).backends
    # An instance with a share of 0 % is not in rotation.
    optional = {
        instance.endpoint
        for instance in behind(front, cluster.catalog.instances())
        if instance.service in _canaries(cluster)
    }
    missing = [
        f"{front.name}: {endpoint} is missing in nginx's rotation" for endpoint in sorted(wanted - listed - optional)
    ]
    return missing + [
        f"{front.name}: {endpoint} should not be in nginx's rotation" for endpoint in sorted(listed - wanted)
    ]


def is_given_away(front: Member) -> bool:
    """Whether the default site has no services of its own: none are set, or a route replaces it."""
    settings = front.settings.front
    names = {route.host.lower() for route in settings.routes if route.path == "/"}
    return not settings.services or (bool(settings.server_name) and settings.server_name.lower() in names)


def _canaries(cluster: Cluster) -> set[str]:
    """Return the services with a canary, whose instances may get very few requests."""
    return {key.removeprefix(canary.PREFIX) for key in cluster.catalog.front_keys() if key.startswith(canary.PREFIX)}


def _is_closed(cluster: Cluster, front: Member) -> bool:
    """Whether the default site has a maintenance page."""
    return ("", "/") in maintenance_page.sentences(cluster.catalog.front_keys(), front.settings.front.server_name)


def services(front: Member) -> str:
    return " and ".join(front.settings.front.services)


def test_every_backend_is_reached(cluster: Cluster, passed: Report) -> None:
    """Requests through the front reach every backend"""
    for front in cluster.fronts:
        if _is_closed(cluster, front):
            passed(_closed(cluster, front))
            continue
        if is_given_away(front) and front.settings.front.services:
            passed(f"{front.name} leads its default site to a service of front.routes")
            continue
        instances = behind(front, cluster.catalog.instances())
        passed(reach_every_backend(cluster, front, instances))


def _closed(cluster: Cluster, front: Member) -> str:
    status = cluster.request_front(front).status
    if status != 503:
        raise CheckError(
            "the maintenance page (503)",
            f"{front.name}: {status or 'no response'}",
            f"rollcall maintenance {cluster.source}",
        )
    return f"{front.name} shows the maintenance page as requested; skipping its backends"


def reach_every_backend(cluster: Cluster, front: Member, instances: tuple[Instance, ...]) -> str:
    """Send requests until every sample backend has responded; for others, which have no name, any response counts."""
    if not instances:
        return _nobody(cluster, front)
    few = _canaries(cluster)
    samples = {
        (instance.node, instance.id.split(":")[1]) for instance in instances if _is_sample(cluster, instance, few)
    }
    silent, bound = set(samples), len(instances) * REQUESTS_PER_INSTANCE
    for sent in range(1, bound + 1):
        mark = uuid.uuid4().hex
        response = cluster.request_front(front, "/json" if samples else "/", {"X-Request-ID": mark})
        if response.status in NOT_REACHED and not _is_an_instances_own(cluster, front, mark):
            raise CheckError(
                "a response from a backend",
                f"{front.name}: {response.status or 'no response'} at request {sent}",
                cluster.command_line(front.name, _curl(front)),
            )
        silent.discard(_who(response))
        if samples and not silent:
            return f"{front.name} reaches every backend: {len(samples)} of {len(samples)} responded to {sent} requests"
    if silent:
        names = [f"{container} on {host}" for host, container in sorted(silent)]
        raise CheckError(
            f"a response from each of {len(samples)} backends within {bound} requests",
            f"{front.name}: nothing from {', '.join(names)}",
            cluster.command_line(front.name, "docker logs --tail 20 front"),
        )
    return f"{front.name} reaches its backends: {bound} of {bound} requests got a response"


def _nobody(cluster: Cluster, front: Member) -> str:
    """Check a default site without an instance: nobody asked for its 502, unless somebody drained all of them.

    Without services it is a 404; its name may be that of other services.
    """
    response = cluster.request_front(front)
    named = cluster.nginx_sites(front).hosts.get(front.settings.front.server_name.lower(), frozenset())
    if named - {NO_INSTANCE}:
        return f"{front.name} has no backend for its default site; {front.site_name} leads to other services"
    expected = 502 if front.settings.front.services else 404
    if response.status != expected:
        raise CheckError(
            f"{expected}, since the front has no backend",
            f"{front.name}: {response.status or 'no response'}",
            cluster.command_line(front.name, _curl(front)),
        )
    if front.settings.front.services and not _are_drained(cluster, front):
        raise CheckError(
            f"an instance of {services(front)}",
            f"{front.name}: none passes, so a request for its default site gets a 502 (front.services = [] is a 404)",
            f"rollcall status {cluster.source}",
        )
    return f"{front.name} has no backend, and responds {expected}"


def _are_drained(cluster: Cluster, front: Member) -> bool:
    names = {name.rpartition(".")[2] for name in front.settings.front.services}
    found = [one.maintenance for one in cluster.catalog.instances() if one.service in names]
    return bool(found) and all(found)


# The commands that print the last lines of an access log in JSON.
_WRITTEN = {
    "json": "docker logs --since 1m front",
    "file": f"cd {access_log.FOLDER} && tail -q -n 20000 {access_log.kept(1)} {access_log.NAME}",
}


def _is_an_instances_own(cluster: Cluster, front: Member, mark: str) -> bool:
    """Whether a request reached an instance, by the front's log; then its response is its own business."""
    written = _WRITTEN.get(front.settings.front.access_log)
    if written is None:
        # Without these lines nobody can tell, and verify raises no false alarm.
        return True
    logged: list[Mapping[str, str]] = []

    def missing() -> list[str]:
        found = cluster.run(front.name, f"{written} 2>/dev/null | grep -F {mark} || true")
        logged.extend(json.loads(line) for line in found.splitlines() if line.startswith("{"))
        return [] if logged else ["not logged yet"]

    wait_until_none(missing, LOG_TIMEOUT_SECONDS)
    # nginx has a time for each try that got a connection, and a dash for the others.
    return any(line["upstream_connect_seconds"].rpartition(" ")[2] not in ("", "-") for line in logged)


def _curl(front: Member) -> str:
    address, port = front_endpoint(front)
    scheme = "https" if front.settings.front.redirect else "http"
    return f'curl -ik -H "Host: {front.site_name}" {scheme}://{address}:{port}/'


def _who(response: Response) -> tuple[str, str]:
    """Return host and container of the sample backend that responded; ("", "") for another service."""
    try:
        said = json.loads(response.body)
        return str(said["host"]), str(said["container"])
    except (ValueError, TypeError, KeyError):
        return "", ""


def _is_sample(cluster: Cluster, instance: Instance, but: Collection[str] = ()) -> bool:
    """Whether it is a sample backend, which responds with its name; in a canary some get hardly any requests."""
    if instance.service in but:
        return False
    names = {(member.node, one["Name"]) for member in cluster.members for one in _backends(cluster, member)}
    return (instance.node, f"/{instance.id.split(':')[1]}") in names if instance.id.count(":") == 2 else False


def _backends(cluster: Cluster, member: Member) -> list[Inspected]:
    managed = cluster.probes[member.name].managed
    return [container for container in managed if samples.LABEL in container["Config"]["Labels"]]


def test_headers(cluster: Cluster, passed: Report) -> None:
    """Backends get the site's name and the client's address"""
    earlier = "198.51.100.7"
    for front in cluster.fronts:
        if _is_closed(cluster, front):
            passed(f"{front.name} shows the maintenance page; skipping the check of headers")
            continue
        response = _from_sample(cluster, front, {"X-Forwarded-For": earlier})
        if response is None:
            passed(f"no sample backend of {front.name} responded; skipping the check of headers")
            continue
        name = front.site_name
        seen = {key.lower(): value for key, value in json.loads(response.body)["headers"].items()}
        visitor = seen.get("x-real-ip", "")
        problems = [] if seen.get("host") == name else [f"Host: {seen.get('host')}, not {name}"]
        if not _is_address(visitor):
            problems.append(f"X-Real-IP: {visitor or 'missing'}, not the client's address")
        if visitor == earlier and not front.settings.front.trusted_proxies:
            problems.append(f"X-Real-IP: {visitor}, as the client claims; not its address")
        if seen.get("x-forwarded-for") != visitor:
            problems.append(f"X-Forwarded-For: {seen.get('x-forwarded-for')}, not {visitor}")
        if problems:
            command = cluster.command_line(
                front.name, "docker exec front cat /var/lib/rollcall/front/current/nginx.conf"
            )
            raise CheckError("the headers that the client sent, and its address", problems, command)
        passed(f"backends get Host: {name}, X-Real-IP: {visitor}, X-Forwarded-For: {visitor}")


def _from_sample(cluster: Cluster, front: Member, headers: Mapping[str, str]) -> Response | None:
    """Send requests until a sample backend responds; another check covers each of them."""
    instances = behind(front, cluster.catalog.instances())
    samples = {(instance.node, instance.id.split(":")[1]) for instance in instances if _is_sample(cluster, instance)}
    for _ in range(len(instances) * REQUESTS_PER_INSTANCE if samples else 0):
        response = cluster.request_front(front, "/json", headers)
        if response.status == 200 and _who(response) in samples:
            return response
    return None


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
