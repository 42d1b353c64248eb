"""A container that says where it wants to be reached: run with --disturb. It is made for that, and removed again."""

import shlex
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rollcall.config.fleet import Member
from rollcall.contract.timeouts import stretched
from rollcall.verify.check_error import CheckError, wait_until_none
from rollcall.verify.checks.test_front import FOLLOW_SECONDS
from rollcall.verify.cluster import Cluster

# nginx answers each request with the name it was given.
ANSWER = "echo {name} >/usr/share/nginx/html/index.html && exec nginx -g 'daemon off;'"


def test_route_by_its_own_word(cluster: Cluster, says: Callable[[str], None]) -> None:
    """A new container is reached at the host name that it asks for, and is not when it is gone"""
    name = f"rollcall-verify-{uuid.uuid4().hex[:8]}"
    host = f"{name}.invalid"
    place = next((one for one in cluster.members if one.is_backend), cluster.members[0])
    for front in cluster.fronts:
        with _container(cluster, place, name, host):
            started = time.monotonic()
            _wait(cluster, front, lambda front=front: _reached(cluster, front, name, host), f"{name} at {host}")
            seconds = time.monotonic() - started
        _wait(cluster, front, lambda front=front: _left(cluster, front, name, host), f"nobody at {host}")
        says(
            f"{front.name} led to a new container on {place.name} by the name that it asked for, "
            f"{seconds:.1f} s after its start, and did not when it was gone"
        )


def _reached(cluster: Cluster, front: Member, name: str, host: str) -> list[str]:
    response = cluster.ask_front(front, "/", {"Host": host})
    # Its page and nothing else: the default site's backends may well repeat the name that they were asked for.
    return [] if response.body.strip() == name else [f"{front.name}: {response.status or 'no answer'} for {host}"]


def _left(cluster: Cluster, front: Member, name: str, host: str) -> list[str]:
    still = host in cluster.nginx_sites(front).hosts or not _reached(cluster, front, name, host)
    return [f"{front.name}: {host} is still served"] if still else []


def _wait(cluster: Cluster, front: Member, problems: Callable[[], list[str]], expected: str) -> None:
    left = wait_until_none(problems, FOLLOW_SECONDS)
    if left:
        command = cluster.shown(front.name, "docker exec front front status")
        raise CheckError(f"{expected}, within {stretched(FOLLOW_SECONDS):g} s", left, command)


@contextmanager
def _container(cluster: Cluster, member: Member, name: str, host: str) -> Iterator[None]:
    """Run an nginx, of the image that the socket filter has on every host, as a user would run any container."""
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
