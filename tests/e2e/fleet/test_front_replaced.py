"""The front's container is replaced while visitors are served: no request fails and no connection is refused."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from deployed import LAB, Fleet, rollcall, wait_for
from visitor import Crowd, crowded

from inventories import varied

# Longer than old connections may last.
SECONDS = 60


def fronts(fleet: Fleet) -> set[str]:
    """Give the ids of all containers of the front, of an old one, too, that still ends its requests."""
    return set(fleet.on("front1", "docker ps -q --no-trunc --filter label=rollcall.managed=front").split())


def replaced(fleet: Fleet, crowd: Crowd, inventory: str) -> float:
    """Deploy, and wait until only the new container is there; give how long that took, in seconds."""
    [before] = fronts(fleet)
    begun, asked = time.monotonic(), crowd.asked
    rollcall("deploy", inventory)
    [after] = wait_for("front alone", lambda: (found := fronts(fleet)) and len(found) == 1 and found, SECONDS)
    assert after != before
    assert crowd.asked > asked
    return time.monotonic() - begun


@pytest.mark.long
def test_replaced_twice_under_load(fleet: Fleet, tmp_path: Path, says: Callable[[str], None]) -> None:
    with crowded(new=4, lasting=32) as crowd:
        for inventory in (varied(tmp_path, '"stop_timeout": 21'), LAB):
            seconds = replaced(fleet, crowd, inventory)
            says(f"front replaced in {seconds:.1f} s: so far {crowd.account}")
        wait_for("visitors after it", lambda asked=crowd.asked: crowd.asked > asked + 500)
    assert crowd.failed == [], crowd.account
    assert fleet.deploy().changed == set()
