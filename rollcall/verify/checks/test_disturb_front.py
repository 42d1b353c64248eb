"""What a front does when backends go and come back: run with --disturb. Everything taken away is put back."""

import json
import shlex
import signal
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rollcall.config.fleet import Member
from rollcall.contract.timeouts import stretched
from rollcall.errors import RollcallError
from rollcall.registrator.services.expected import Inspected
from rollcall.verify.catalog import behind
from rollcall.verify.check_error import CheckError, wait_until_none
from rollcall.verify.checks.test_front import FOLLOW_SECONDS, NOBODY, list_problems, reach_every_backend, services
from rollcall.verify.cluster import Cluster

# A started container has to pass its first check, up to an interval later (10 s unless it says otherwise).
RETURN_SECONDS = 30
PLACEHOLDERS = 20
Says = Callable[[str], None]


def test_nobody_left_and_back(cluster: Cluster, says: Says) -> None:
    """Without any backend the front answers 502, and finds them again when they return"""
    for front in cluster.fronts:
        stopped = _backends(cluster, front)
        with _put_back(cluster, stopped):
            for host, names in stopped.items():
                _change(cluster, host, "stop", "--time", "2", *names)
            _wait(cluster, front, lambda front=front: _not_empty(cluster, front), "502 without any backend")
        _wait_for_return(cluster, front)
        count = sum(map(len, stopped.values()))
        says(f"{front.name} answered 502 while its {count} backends were stopped, and reached all of them after")


def _not_empty(cluster: Cluster, front: Member) -> list[str]:
    status = cluster.ask_front(front).status
    listed = cluster.nginx_sites(front).backends
    return ([] if status == 502 else [f"{front.name}: the front answers {status or 'nothing'}"]) + (
        [] if listed == {NOBODY} else [f"{front.name}: nginx still lists {', '.join(sorted(listed))}"]
    )


def test_killed_and_back_elsewhere(cluster: Cluster, says: Says) -> None:
    """A killed backend is missed at once, and found again on another address"""
    for front in cluster.fronts:
        host, name = _movable(cluster, front)
        before = _endpoints(cluster, front, host, name)
        with _put_back(cluster, {host: [name]}):
            _change(cluster, host, "kill", name)
            _wait(
                cluster,
                front,
                lambda front=front, gone=before: _still(cluster, front, gone),
                "it gone from nginx's list",
            )
            with _address_taken(cluster, host, name):
                _change(cluster, host, "start", name)
        _wait_for_return(cluster, front)
        after = _endpoints(cluster, front, host, name)
        if after == before:
            raise CheckError(
                "another address after the restart",
                f"{host}: {name} came back at {', '.join(after)}",
                cluster.shown(host, f"docker port {name}"),
            )
        says(f"{name} on {host}, killed at {', '.join(before)}, was found again at {', '.join(after)}")


def _backends(cluster: Cluster, front: Member) -> dict[str, list[str]]:
    """Return the containers behind a front, by host."""
    cluster.look_at_containers()
    passing = {(one.node, one.id) for one in behind(front, cluster.catalog.instances())}
    found: dict[str, list[str]] = {}
    for member in cluster.members:
        for service in cluster.expected(member).services.values():
            name = service.container.name
            if (member.node, service.id) in passing and name not in found.get(member.name, []):
                found.setdefault(member.name, []).append(name)
    if not found:
        raise CheckError(
            f"backends behind {front.name}",
            f"no container of {services(front)} runs",
            f"rollcall deploy {cluster.source}",
        )
    for host, names in found.items():
        for name in names:
            if _inspect(cluster, host, name)["HostConfig"]["AutoRemove"]:
                raise CheckError(
                    "containers that can be started again",
                    f"{host}: {name} was started with --rm, so it is left alone",
                    cluster.shown(host, f"docker inspect {name}"),
                )
    return found


def _movable(cluster: Cluster, front: Member) -> tuple[str, str]:
    """Choose a backend whose address Docker chooses."""
    for host, names in _backends(cluster, front).items():
        for name in names:
            bindings = _inspect(cluster, host, name)["HostConfig"].get("PortBindings") or {}
            fixed = [
                one for listed in bindings.values() for one in listed or () if one["HostPort"].strip("0").isdigit()
            ]
            if not fixed:
                return host, name
    raise CheckError(
        "a backend whose port Docker chooses",
        "all have fixed ports, so none can come back at another address",
        "docker run --publish 80 …",
    )


def _inspect(cluster: Cluster, host: str, name: str) -> Inspected:
    return next(one for one in cluster.surveys[host].containers if one["Name"] == f"/{name}")


def _endpoints(cluster: Cluster, front: Member, host: str, name: str) -> list[str]:
    node = cluster.fleet.member(host).node
    return sorted(
        one.endpoint
        for one in behind(front, cluster.catalog.instances())
        if one.node == node and one.id.split(":")[1:2] == [name]
    )


def _still(cluster: Cluster, front: Member, gone: list[str]) -> list[str]:
    listed = cluster.nginx_sites(front).backends | {one.endpoint for one in behind(front, cluster.catalog.instances())}
    return [f"{front.name}: {one} is still listed" for one in gone if one in listed]


def _wait(cluster: Cluster, front: Member, problems: Callable[[], list[str]], expected: str) -> None:
    left = wait_until_none(problems, FOLLOW_SECONDS)
    if left:
        command = cluster.shown(front.name, "docker logs --tail 20 front")
        raise CheckError(f"{expected}, within {stretched(FOLLOW_SECONDS):g} s", left, command)


def _wait_for_return(cluster: Cluster, front: Member) -> None:
    def problems() -> list[str]:
        cluster.look_at_containers()
        expected = {identity for member in cluster.members for identity in cluster.expected(member).services}
        # What was drained before is drained after.
        right = {one.id for one in cluster.catalog.instances() if one.passing or one.maintenance}
        return [f"{one} is not passing" for one in sorted(expected - right)] + list_problems(cluster, front)

    left = wait_until_none(problems, RETURN_SECONDS)
    if left:
        raise CheckError(
            f"every backend back within {stretched(RETURN_SECONDS):g} s",
            left,
            cluster.shown(front.name, "docker logs --tail 20 front"),
        )
    reach_every_backend(cluster, front, behind(front, cluster.catalog.instances()))


def _change(cluster: Cluster, host: str, *arguments: str) -> None:
    """Run docker on a host after whatever an interrupted check still has running there, never beside it."""
    cluster.run(host, shlex.join(["flock", "/etc/rollcall", "docker", *arguments]))


@contextmanager
def _put_back(cluster: Cluster, containers: dict[str, list[str]]) -> Iterator[None]:
    """Start the containers again when the block ends, however it ends. A second Ctrl-C does not stop that."""
    try:
        yield
    finally:
        with _uninterrupted():
            lost = [lost for host, names in containers.items() if (lost := _not_started(cluster, host, names))]
        if lost:
            raise CheckError("the containers started again", lost, f"rollcall deploy {cluster.source}")


def _not_started(cluster: Cluster, host: str, names: list[str]) -> str:
    try:
        _change(cluster, host, "start", *names)
    except RollcallError as error:
        return f"{host}: {', '.join(names)} may still be stopped ({error})"
    return ""


@contextmanager
def _address_taken(cluster: Cluster, host: str, name: str) -> Iterator[None]:
    """Take the address that a stopped container had, so that it starts at another.

    Where ports are published that is not needed: Docker takes the next free port of the host.
    """
    if cluster.fleet.mode != "internal":
        yield
        return
    container = _inspect(cluster, host, name)
    network, settings = next(iter(container["NetworkSettings"]["Networks"].items()))
    label = f"rollcall.verify={uuid.uuid4()}"
    run = ["run", "--detach", "--rm", "--network", network, "--label", label, "--env", "SERVICE_IGNORE=true"]
    address = f"{{{{(index .NetworkSettings.Networks {json.dumps(network)}).IPAddress}}}}"
    try:
        # Docker gives the lowest address that is free, which may be a lower one at first.
        for _ in range(PLACEHOLDERS):
            taken = cluster.docker(host, *run, "--entrypoint", "sleep", container["Image"], "600").strip()
            if cluster.docker(host, "inspect", "--format", address, taken).strip() == settings["IPAddress"]:
                break
        yield
    finally:
        with _uninterrupted():
            cluster.run(host, f"docker ps -q --filter label={label} | xargs -r docker rm --force --volumes")


@contextmanager
def _uninterrupted() -> Iterator[None]:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
