"""Whose network a container uses: its own, or by `--network container:ID` another's, over any number of steps."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from rollcall.registrator.docker.container import SHORT_ID, Container

# More steps than these are a circle.
LONGEST_CHAIN = 16
# As Go writes a time: 2026-11-28T19:44:14.4865094Z, without the zeros at the end.
TIME = re.compile(r"(?P<seconds>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(?P<fraction>\d{1,9}))?Z", re.ASCII)


@dataclass(frozen=True)
class NetworkOwner:
    """The container that has the network, None where it is gone; `fault` tells why.

    `passed` are the containers on the way to it, itself included: when one of them stops, so does this network.
    """

    container: Container | None
    fault: str = ""
    passed: tuple[str, ...] = ()


def network_owner(container: Container, find: Callable[[str], Container | None]) -> NetworkOwner:
    """Follow the chain. `find` gives a container by what stands in a network mode, None for one that is gone."""
    passed: list[str] = []
    borrower = container
    while borrower.lender:
        owner = find(borrower.lender)
        if owner is None:
            return NetworkOwner(None, "that container does not exist any more", (*passed, borrower.lender))
        passed.append(owner.id)
        if len(passed) > LONGEST_CHAIN:
            return NetworkOwner(None, "its network is borrowed in a circle", tuple(passed))
        if not owner.running:
            return NetworkOwner(None, f"the container {owner} does not run", tuple(passed))
        if _is_earlier(borrower.started_at, owner.started_at):
            # The engine gave the network of its first life away; the borrower still sits in what is left of it.
            text = f"the container {owner} has a new network since its restart; restart {borrower.name}, too"
            return NetworkOwner(None, text, tuple(passed))
        borrower = owner
    return NetworkOwner(borrower, passed=tuple(passed))


def find_among(containers: Iterable[Container], text: str) -> Container | None:
    """Find the container that a network mode means: by its id, its name, or the beginning of its id."""
    known = list(containers)
    exact = (one for one in known if text in (one.id, one.name))
    return next(exact, None) or next((one for one in known if len(text) >= SHORT_ID and one.id.startswith(text)), None)


def _is_earlier(one: str, other: str) -> bool:
    """Compare two times of the engine; what is no time is not earlier."""
    times = [TIME.fullmatch(text) for text in (one, other)]
    first, second = ((time["seconds"], (time["fraction"] or "").ljust(9, "0")) if time else None for time in times)
    return first is not None and second is not None and first < second
