"""Stop and kill backends behind the fronts (--disturb), then start them again."""

import json
import shlex
import signal
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from rollcall.config.fleet import Member
from rollcall.contract.timeouts import stretched
from rollcall.errors import RollcallError
from rollcall.registrator.services.expected import Inspected
from rollcall.verify.catalog import behind
from rollcall.verify.check_error import CheckError, wait_until_none
from rollcall.verify.checks.test_front import (
    FOLLOW_TIMEOUT_SECONDS,
    NO_INSTANCE,
    list_problems,
    reach_every_backend,
    services,
)
from rollcall.verify.cluster import Cluster

# A started container must pass its first check, up to an interval later (10 s by default).
RETURN_TIMEOUT_SECONDS = 30
PLACEHOLDERS = 20
Report = Callable[[str], None]


def test_nobody_left_and_back(cluster: Cluster, passed: Report) -> None:
    """Without any backend the front responds 502, and reaches them again when they return"""
    for front in cluster.fronts:
        stopped = _backends(cluster, front)
        with _put_back(cluster, stopped):
            for host, names in stopped.items():
                _change(cluster, host, "stop", "--time", "2", *names)
            _wait(cluster, front, partial(_not_empty, cluster, front), "502 without any backend")
        _wait_for_return(cluster, front)
        count = sum(map(len, stopped.values()))
        passed(f"{front.name} responded 502 while its {count} backends were stopped, and reached all of them again")


def _not_empty(cluster: Cluster, front: Member) -> list[str]:
    status = cluster.request_front(front).status
    listed = cluster.nginx_sites(front).backends
    return (
        []
        if status == 502
        else [f"{front.name}: {f'the front responds {status}' if status else 'the front does not respond'}"]
    ) + ([] if listed == {NO_INSTANCE} else [f"{front.name}: nginx still has {', '.join(sorted(listed))} in rotation"])


def test_killed_and_back_elsewhere(cluster: Cluster, passed: Report) -> None:
    """A killed backend leaves rotation at once, and returns at another address"""
    for front in cluster.fronts:
        host, name = _movable(cluster, front)
        before = _endpoints(cluster, front, host, name)
        with _put_back(cluster, {host: [name]}):
            _change(cluster, host, "kill", name)
            _wait(
                cluster,
                front,
                partial(_still, cluster, front, before),
                "the backend out of nginx's rotation",
            )
            with _address_taken(cluster, host, name):
                _change(cluster, host, "start", name)
        _wait_for_return(cluster, front)
        after = _endpoints(cluster, front, host, name)
        if after == before:
            raise CheckError(
                "another address after the restart",
                f"{host}: {name} came back at {', '.join(after)}",
                cluster.command_line(host, f"docker port {name}"),
            )
        passed(f"{name} on {host}, killed at {', '.join(before)}, returned at {', '.join(after)}")


def _backends(cluster: Cluster, front: Member) -> dict[str, list[str]]:
    """Return the containers behind a front, by host."""
    cluster.probe_containers()
    passing = {(instance.node, instance.id) for instance in behind(front, cluster.catalog.instances())}
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
                    "containers that can start again",
                    f"{host}: {name} was started with --rm, so a stop would remove it",
                    cluster.command_line(host, f"docker inspect {name}"),
                )
    return found


def _movable(cluster: Cluster, front: Member) -> tuple[str, str]:
    """Choose a backend with an address or port that Docker assigns."""
    for host, names in _backends(cluster, front).items():
        for name in names:
            bindings = _inspect(cluster, host, name)["HostConfig"].get("PortBindings") or {}
            fixed = [
                binding
                for of_port in bindings.values()
                for binding in of_port or ()
                if binding["HostPort"].strip("0").isdigit()
            ]
            if not fixed:
                return host, name
    raise CheckError(
        "a backend with a port that Docker assigns",
        "all have fixed ports, so none can return at another address",
        "docker run --publish 80 …",
    )


def _inspect(cluster: Cluster, host: str, name: str) -> Inspected:
    return next(container for container in cluster.probes[host].containers if container["Name"] == f"/{name}")


def _endpoints(cluster: Cluster, front: Member, host: str, name: str) -> list[str]:
    node = cluster.fleet.member(host).node
    return sorted(
        instance.endpoint
        for instance in behind(front, cluster.catalog.instances())
        if instance.node == node and instance.id.split(":")[1:2] == [name]
    )


def _still(cluster: Cluster, front: Member, gone: list[str]) -> list[str]:
    listed = cluster.nginx_sites(front).backends | {
        instance.endpoint for instance in behind(front, cluster.catalog.instances())
    }
    return [f"{front.name}: {endpoint} is still in rotation" for endpoint in gone if endpoint in listed]


def _wait(cluster: Cluster, front: Member, problems: Callable[[], list[str]], expected: str) -> None:
    left = wait_until_none(problems, FOLLOW_TIMEOUT_SECONDS)
    if left:
        command = cluster.command_line(front.name, "docker logs --tail 20 front")
        raise CheckError(f"{expected}, within {stretched(FOLLOW_TIMEOUT_SECONDS):g} s", left, command)


def _wait_for_return(cluster: Cluster, front: Member) -> None:
    def problems() -> list[str]:
        cluster.probe_containers()
        expected = {identity for member in cluster.members for identity in cluster.expected(member).services}
        # Drained instances stay drained.
        right = {instance.id for instance in cluster.catalog.instances() if instance.passing or instance.maintenance}
        return [f"{identity} is not passing" for identity in sorted(expected - right)] + list_problems(cluster, front)

    left = wait_until_none(problems, RETURN_TIMEOUT_SECONDS)
    if left:
        raise CheckError(
            f"every backend back within {stretched(RETURN_TIMEOUT_SECONDS):g} s",
            left,
            cluster.command_line(front.name, "docker logs --tail 20 front"),
        )
    reach_every_backend(cluster, front, behind(front, cluster.catalog.instances()))


def _change(cluster: Cluster, host: str, *arguments: str) -> None:
    """Run docker on a host, after any command that an interrupted check still runs there."""
    cluster.run(host, shlex.join(["flock", "/etc/rollcall", "docker", *arguments]))


@contextmanager
def _put_back(cluster: Cluster, containers: dict[str, list[str]]) -> Iterator[None]:
    """Start the containers again at the end of the block, even after Ctrl-C; a second Ctrl-C has no effect."""
    try:
        yield
    finally:
        with _uninterrupted():
            lost = [lost for host, names in containers.items() if (lost := _not_started(cluster, host, names))]
        if lost:
            raise CheckError("the containers running again", lost, f"rollcall deploy {cluster.source}")


def _not_started(cluster: Cluster, host: str, names: list[str]) -> str:
    try:
        _change(cluster, host, "start", *names)
    except RollcallError as error:
        return f"{host}: {', '.join(names)} may still be stopped ({error})"
    return ""


@contextmanager
def _address_taken(cluster: Cluster, host: str, name: str) -> Iterator[None]:
    """Occupy the address of a stopped container, so that it starts at another.

    Published ports need none of this: Docker takes the host's next free port.
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
        # Docker assigns the lowest free address, which may be a lower one at first.
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
