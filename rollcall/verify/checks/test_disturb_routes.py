"""Start a container with a host name (--disturb), reach it through the fronts, and remove it."""

import shlex
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from rollcall.config.fleet import Member
from rollcall.contract.timeouts import stretched
from rollcall.verify.check_error import CheckError, wait_until_none
from rollcall.verify.checks.test_front import FOLLOW_TIMEOUT_SECONDS
from rollcall.verify.cluster import Cluster

# nginx responds to each request with the container's name.
ANSWER = "echo {name} >/usr/share/nginx/html/index.html && exec nginx -g 'daemon off;'"


def test_route_by_its_own_word(cluster: Cluster, passed: Callable[[str], None]) -> None:
    """A new container is reachable by the host name that it sets, until it is removed"""
    name = f"rollcall-verify-{uuid.uuid4().hex[:8]}"
    host = f"{name}.invalid"
    place = next((member for member in cluster.members if member.settings.services), cluster.members[0])
    for front in cluster.fronts:
        with _container(cluster, place, name, host):
            started = time.monotonic()
            _wait(cluster, front, partial(_reached, cluster, front, name, host), f"{name} at {host}")
            seconds = time.monotonic() - started
        _wait(cluster, front, partial(_left, cluster, front, name, host), f"no site {host}")
        passed(
            f"{front.name} led to a new container on {place.name} by its own host name "
            f"{seconds:.1f} s after its start, and no longer after its removal"
        )


def _reached(cluster: Cluster, front: Member, name: str, host: str) -> list[str]:
    response = cluster.request_front(front, "/", {"Host": host})
    # Its page exactly: the default site's backends may repeat the requested host name.
    return [] if response.body.strip() == name else [f"{front.name}: {response.status or 'no response'} for {host}"]


def _left(cluster: Cluster, front: Member, name: str, host: str) -> list[str]:
    still = host in cluster.nginx_sites(front).hosts or not _reached(cluster, front, name, host)
    return [f"{front.name}: {host} is still served"] if still else []


def _wait(cluster: Cluster, front: Member, problems: Callable[[], list[str]], expected: str) -> None:
    left = wait_until_none(problems, FOLLOW_TIMEOUT_SECONDS)
    if left:
        command = cluster.command_line(front.name, "docker exec front front status")
        raise CheckError(f"{expected}, within {stretched(FOLLOW_TIMEOUT_SECONDS):g} s", left, command)


@contextmanager
def _container(cluster: Cluster, member: Member, name: str, host: str) -> Iterator[None]:
    """Run nginx as a user runs a container, from the socket filter's image, which every host has."""
    image = cluster.docker(member.name, "inspect", "--format", "{{.Image}}", "socket-filter").strip()
    published = [] if cluster.fleet.mode == "internal" else ["--publish", f"{member.address}::80"]
    metadata = {"SERVICE_80_NAME": name, "SERVICE_80_VIRTUAL_HOST": host}
    environment = [f"--env={key}={value}" for key, value in metadata.items()]
    run = ["run", "--detach", "--rm", "--name", name, "--expose", "80", *published, *environment]
    try:
        cluster.docker(member.name, *run, "--entrypoint", "sh", image, "-c", ANSWER.format(name=name))
        yield
    finally:
        cluster.run(member.name, f"docker rm --force --volumes {shlex.quote(name)} >/dev/null 2>&1 || true")
