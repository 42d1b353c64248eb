"""Half an hour of `rollcall chaos` on the lab, and what a run that is killed leaves behind."""

import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from chaotic import allowing, run, well
from deployed import BACKENDS, LAB, PROJECT, Fleet, answering, rollcall, wait_for

from rollcall.chaos.faults import FAULTS
from rollcall.chaos.network import CHAIN

DATA = "/var/lib/docker/volumes/consul-data/_data"
ON_SMALL_DISK = ("consul1", "app1")
# Minutes, seed, and how many faults at once: thirty minutes in all.
HALF_AN_HOUR = ((10, 7, 1), (8, 8, 3), (12, 23, 2))


@pytest.fixture
def inventory(fleet: Fleet, tmp_path: Path) -> Iterator[str]:
    yield allowing(tmp_path)
    wait_for("answer of every backend", lambda: answering() == BACKENDS, 60)
    assert "✗" not in rollcall("verify", LAB)


@pytest.fixture(scope="module")
def _small_disks(fleet: Fleet) -> Iterator[None]:
    """Consul's data of a server and a client on a file system of its own, of 300 MiB, which a fault can fill."""
    moved = f"docker stop consul; mkdir /tmp/kept; cp -a {DATA}/. /tmp/kept"
    back = f"cp -a /tmp/kept/. {DATA}; rm -r /tmp/kept; docker start consul"
    for host in ON_SMALL_DISK:
        owned = f"chown --reference=/tmp/kept {DATA}"
        fleet.on(host, f"set -e; {moved}; mount -t tmpfs -o size=300m small {DATA}; {owned}; {back}")
        wait_for("no problem", well, 60)
    yield
    for host in ON_SMALL_DISK:
        fleet.on(host, f"set -e; {moved}; umount {DATA}; find {DATA} -mindepth 1 -delete; {back}")
    wait_for("no problem", well, 60)


def cut_hosts(fleet: Fleet) -> list[str]:
    return [host for host in fleet.hosts if fleet.on(host, f"iptables -w -n -L {CHAIN} 2>/dev/null", check=False)]


@pytest.mark.usefixtures("_small_disks")
@pytest.mark.parametrize(("minutes", "seed", "at_once"), HALF_AN_HOUR)
def test_half_an_hour_of_chaos_costs_no_request_that_may_not_fail(
    inventory: str, says: Callable[[str], None], minutes: int, seed: int, at_once: int
) -> None:
    said = run(inventory, FAULTS, seed, "--minutes", str(minutes), "--at-once", str(at_once))
    says(said)
    assert "✗" not in said
    happened = {fault for fault in FAULTS if re.search(rf"^(✓ |   \+) {fault} ", said, re.MULTILINE)}
    assert happened == set(FAULTS)
    assert ("\n   + " in said) == (at_once > 1)


@pytest.fixture
def cutting(fleet: Fleet, inventory: str) -> Iterator["subprocess.Popen[str]"]:
    """A run that has cut a host's network."""
    argv = [sys.executable, "-m", "rollcall", "chaos", inventory, "--faults", "cut", "--seed", "5"]
    process = subprocess.Popen(argv, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        wait_for("a host whose network is cut", lambda: cut_hosts(fleet), 60)
        yield process
    finally:
        process.kill()
        process.wait()


def test_ctrl_c_ends_the_fault_and_waits_until_all_is_right(fleet: Fleet, cutting: "subprocess.Popen[str]") -> None:
    cutting.send_signal(signal.SIGINT)
    said = cutting.communicate(timeout=180)[0]
    assert cutting.returncode == 130, said
    assert "ended early: interrupted" in said
    assert cut_hosts(fleet) == []
    assert well()


def test_a_fault_of_a_killed_run_ends_by_itself(fleet: Fleet, cutting: "subprocess.Popen[str]") -> None:
    cutting.kill()
    cutting.communicate()
    began = time.monotonic()
    wait_for("a network that is whole again", lambda: not cut_hosts(fleet), 90)
    assert time.monotonic() - began > 20, "nobody else ended it"
    wait_for("no problem", well, 120)


def test_what_a_killed_run_left_is_ended_by_hand(
    fleet: Fleet, inventory: str, cutting: "subprocess.Popen[str]"
) -> None:
    cutting.kill()
    cutting.communicate()
    assert "left by an earlier run: cut" in rollcall("chaos", inventory, "--heal")
    assert cut_hosts(fleet) == []
    wait_for("no problem", well, 120)
    assert "Nothing was left behind" in rollcall("chaos", inventory, "--heal")
