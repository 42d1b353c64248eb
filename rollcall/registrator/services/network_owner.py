"""Find the container that owns a container's network, over any number of `--network container:ID` steps."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from rollcall.registrator.docker.container import SHORT_ID, Container

# A longer chain is a circle.
MAX_CHAIN = 16
# As Go writes a time, without trailing zeros: 2026-11-28T19:44:14.4865094Z.
TIME = re.compile(r"(?P<seconds>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(?P<fraction>\d{1,9}))?Z", re.ASCII)


@dataclass(frozen=True)
class NetworkOwner:
    """The container that owns the network; None with a `fault` if there is none.

    `network_chain` holds the containers up to the owner: when one of them stops, the network is lost.
    """

    container: Container | None
    fault: str = ""
    network_chain: tuple[str, ...] = ()


def network_owner(container: Container, find: Callable[[str], Container | None]) -> NetworkOwner:
    """Follow the chain. `find` returns a container by its reference in a network mode, None for a missing one."""
    network_chain: list[str] = []
    user = container
    while user.network_owner_ref:
        owner = find(user.network_owner_ref)
        if owner is None:
            return NetworkOwner(None, "that container no longer exists", (*network_chain, user.network_owner_ref))
        network_chain.append(owner.id)
        if len(network_chain) > MAX_CHAIN:
            return NetworkOwner(None, "its network modes form a circle", tuple(network_chain))
        if not owner.running:
            return NetworkOwner(None, f"the container {owner} does not run", tuple(network_chain))
        if _is_earlier(user.started_at, owner.started_at):
            # The owner's restart made a new network; this container is still in the old one.
            text = f"the container {owner} has a new network since its restart; restart {user.name}, too"
            return NetworkOwner(None, text, tuple(network_chain))
        user = owner
    return NetworkOwner(user, network_chain=tuple(network_chain))


def find_among(containers: Iterable[Container], text: str) -> Container | None:
    """Find the container of a network mode: by id, name, or the start of the id."""
    known = list(containers)
    exact = (container for container in known if text in (container.id, container.name))
    by_start = (container for container in known if len(text) >= SHORT_ID and container.id.startswith(text))
    return next(exact, None) or next(by_start, None)


def _is_earlier(first_text: str, second_text: str) -> bool:
    """Compare two times of the engine; an invalid time is never earlier."""
    times = [TIME.fullmatch(text) for text in (first_text, second_text)]
    first, second = ((time["seconds"], (time["fraction"] or "").ljust(9, "0")) if time else None for time in times)
    return first is not None and second is not None and first < second
