"""Bring the lab up and take it down."""

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rollcall.console import out, step
from rollcall.errors import RollcallError
from rollcall.images import cached
from rollcall.images.cached import CACHE
from rollcall.images.docker import docker, inspect
from rollcall.lab import engine, hosts, images, keys, packages, ports, registry, size
from rollcall.lab.layout import GATEWAY, IMAGE_LABEL, LABEL, NETWORK, PREFIX, REGISTRY, STATE, SUBNET


def up(engines: Sequence[str] = (), number: int | None = None) -> None:
    """Create or complete the lab; a lab that is up and current stays unchanged.

    Args:
        engines: the Docker Engines that new hosts get in turn.
        number: how many hosts it has; by default as many as it has, or six.

    Raises:
        RollcallError: it has more hosts than `number`, a prerequisite is missing, or a part did not come up in time.
    """
    with _only_one():
        if number is not None:
            size.grow(number)
        packages.need("ssh", ["openssh-client"])
        engine.ensure()
        ports.check(ports.wanted(_running()))
        images.ensure(engines)
        keys.ensure()
        _ensure_network()
        renewed = registry.ensure(f"{os.getuid()}:{os.getgid()}")
        outdated = hosts.ensure(engines)
        hosts.wait_until_ready()
        hosts.renew(renewed)
    if outdated:
        out.print(
            f"The lab hosts' image has changed; to renew {', '.join(outdated)}, run `rollcall lab down` and "
            "`rollcall lab up`."
        )


def down(purge: bool) -> None:
    """Remove every container, network, volume and key of the lab; with `purge` also the images and the cache.

    Raises:
        RollcallError: an object cannot be removed.
    """
    with _only_one():
        if engine.responds() or (engine.is_installed() and (purge or keys.exist())):
            engine.ensure()
            _remove_all()
            if purge:
                _remove_images()
            engine.stop_if_ours_and_idle()
        keys.remove()
        size.forget()
        if purge:
            with step(f"Removing {CACHE}"):
                cached.remove(CACHE)


def make_images(lend: bool) -> None:
    """Build every image on this machine's engine; with `lend` also under the public names, for a deploy right here.

    Raises:
        RollcallError: no engine responds, or an image cannot be built.
    """
    with _only_one():
        engine.ensure()
        images.ensure()
        if lend:
            images.lend()


def take_images_back() -> None:
    """Remove the public names that `make_images` added, and stop the engine if the lab started it and it is idle.

    Raises:
        RollcallError: a name cannot be removed.
    """
    with _only_one():
        if engine.responds():
            images.take_back()
            engine.stop_if_ours_and_idle()


@contextmanager
def _only_one() -> Iterator[None]:
    STATE.mkdir(parents=True, exist_ok=True)
    STATE.chmod(0o700)
    with (STATE / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise RollcallError("Another `rollcall lab` uses this lab; wait until it exits.") from error
        yield


def _running() -> list[str]:
    found = inspect("container", [*(host.container for host in size.hosts()), REGISTRY])
    return [name for name, container in found.items() if container["State"]["Running"]]


def _ensure_network() -> None:
    if NETWORK in inspect("network", [NETWORK]):
        return
    arguments = [f"--label={LABEL}=1", f"--subnet={SUBNET}", f"--gateway={GATEWAY}", NETWORK]
    docker("network", "create", *arguments, doing=f"create the lab's network {SUBNET}")


def _remove_all() -> None:
    for kind, remove in (
        ("container", ("rm", "--force", "--volumes")),
        ("network", ("network", "rm")),
        ("volume", ("volume", "rm")),
    ):
        names = _ours(kind, *(["--all"] if kind == "container" else []))
        if names:
            with step(f"Removing the lab's {kind}s"):
                docker(*remove, *names, doing=f"remove the lab's {kind}s")


def _remove_images() -> None:
    # By name, to include images that only tests made, and those that earlier versions named differently.
    named = [f"--filter=reference={PREFIX}/{rest}" for rest in ("*", "*/*")]
    listed = docker("image", "ls", "--format={{.Repository}}:{{.Tag}}", *named, doing="list the lab's images").split()
    if listed:
        with step(f"Removing the images {PREFIX}/…"):
            docker("rmi", "--force", *listed, doing="remove the lab's images")
            docker("image", "prune", "--force", "--filter", f"label={IMAGE_LABEL}", doing="remove outdated images")


def _ours(kind: str, *extra: str) -> list[str]:
    """List the ids or names of the lab's own objects of a kind (`container`, `network`, `volume`)."""
    output = docker(kind, "ls", "--quiet", "--filter", f"label={LABEL}=1", *extra, doing=f"list the lab's {kind}s")
    return sorted(set(output.split()))
