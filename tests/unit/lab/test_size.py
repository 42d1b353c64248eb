from pathlib import Path

import pytest

from rollcall.errors import RollcallError
from rollcall.lab import size
from rollcall.lab.layout import HOSTS, REGISTRY_PORT


def test_it_has_six_hosts_until_somebody_asks_for_more_and_after_it_is_taken_down() -> None:
    assert size.hosts() == HOSTS
    size.grow(9)
    assert [host.name for host in size.hosts()[6:]] == ["host7", "host8", "host9"]
    size.forget()
    assert size.hosts() == HOSTS


def test_no_two_of_fifty_share_an_address_or_a_port() -> None:
    size.grow(size.LARGEST)
    ports = [REGISTRY_PORT, *(port for host in size.hosts() for port in host.machine_ports)]
    assert len({host.address for host in size.hosts()}) == size.LARGEST
    assert len(set(ports)) == len(ports)


@pytest.mark.parametrize("wanted", [5, 51, -1])
def test_a_number_out_of_range_changes_nothing(wanted: int, kept: Path) -> None:
    with pytest.raises(RollcallError, match=f"--hosts: expected 6 to 50, got {wanted}"):
        size.grow(wanted)
    assert not kept.exists()


def test_hosts_are_not_taken_from_a_lab_that_is_up() -> None:
    size.grow(12)
    with pytest.raises(RollcallError, match="the lab has 12 hosts; for fewer, run `rollcall lab down` first"):
        size.grow(8)
    assert len(size.hosts()) == 12


def test_a_file_that_says_nothing_is_no_reason_to_fail(kept: Path) -> None:
    kept.write_text("")
    assert size.hosts() == HOSTS
