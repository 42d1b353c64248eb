"""`rollcall chaos` on the lab, a few seconds of it; tests/e2e/long/test_chaos.py has minutes."""

from collections.abc import Callable
from pathlib import Path

import pytest
from chaotic import allowing, run
from deployed import LAB, Fleet, rollcall

FREE = "until [ ! -e /var/lib/rollcall/chaos ]; do sleep 0.1; done; pgrep -f rollcall/chaos"


def test_a_fleet_that_does_not_allow_it_is_left_alone(fleet: Fleet) -> None:
    before = fleet.all_containers()
    assert "expected `chaos = True` in group_data/all.py" in rollcall("chaos", LAB, code=1)
    assert fleet.all_containers() == before


@pytest.mark.parametrize("fault", ["instance", "registrator"])
def test_a_fault_costs_no_request_and_leaves_nothing(
    fleet: Fleet, tmp_path: Path, says: Callable[[str], None], fault: str
) -> None:
    said = run(allowing(tmp_path), fault, seed=7)
    says(next(line for line in said.splitlines() if line.startswith("✓  ")))
    assert "✓  " + fault in said
    assert "1 fault, " in said
    for host in fleet.hosts:
        assert fleet.on(host, FREE, check=False) == ""
