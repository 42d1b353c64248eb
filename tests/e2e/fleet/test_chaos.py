"""`rollcall chaos` on the lab, each fault once that a busy machine bears; tests/e2e/long/test_chaos.py has all."""

from collections.abc import Callable
from pathlib import Path

from chaotic import allowing, run, well
from deployed import BACKENDS, LAB, Fleet, answering, rollcall, wait_for

# Left to the long test: `cut`, `pause` and `wipe` of a server depend on how soon Consul notices a silent host, which a
# busy machine delays beyond what docs/limits.md allows; `disk` needs a small file system of its own.
FAULTS = ("consul", "consul-down", "registrator", "socket-filter", "dns", "front", "consul-template", "instance")
FREE = "until [ ! -e /var/lib/rollcall/chaos ]; do sleep 0.1; done; pgrep -f rollcall/chaos"


def test_a_fleet_that_does_not_allow_it_is_left_alone(fleet: Fleet) -> None:
    before = fleet.all_containers()
    assert "expected `chaos = True` in group_data/all.py" in rollcall("chaos", LAB, code=1)
    assert fleet.all_containers() == before


def test_each_fault_costs_no_request_and_leaves_nothing(
    fleet: Fleet, tmp_path: Path, says: Callable[[str], None]
) -> None:
    wait_for("no problem", well, 120)
    said = run(allowing(tmp_path), FAULTS, 7, "--times", "1")
    says(said)
    assert "✗" not in said
    assert {fault for fault in FAULTS if f"\n✓  {fault} " in said} == set(FAULTS)
    assert f"\n{len(FAULTS)} faults, " in said
    for host in fleet.hosts:
        assert fleet.on(host, FREE, check=False) == ""
    assert answering() == BACKENDS
    wait_for("no problem", well, 60)
