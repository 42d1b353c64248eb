"""Servers that become clients and come back, and agents that all restart: with consent, and without a lost request."""

from pathlib import Path

import pytest
from deployed import LAB, Fleet, healthy, rollcall, wait_for
from lab_servers import FORMER, ONE, SERVERS, inventory, servers
from visitor import Visitor


def roles(fleet: Fleet) -> dict[str, str]:
    """Give what every agent is to the others, of those alive."""
    members = fleet.consul("/v1/agent/members") or ()
    return {one["Name"]: one["Tags"]["role"] for one in members if one["Status"] == 1}


def test_servers_are_not_all_replaced_at_once_without_consent(fleet: Fleet, tmp_path: Path) -> None:
    """Those that are new do not know those before them, and would begin with an empty catalog."""
    all_three = 'x_former = [_hosts["consul1"], _hosts["consul2"], _hosts["consul3"]]'
    said = rollcall("deploy", inventory(tmp_path, f'consul_servers = [_hosts["app1"]]\n{all_three}'), code=1)
    assert "none of the fleet's Consul servers remains (10.77.0.11, 10.77.0.12, 10.77.0.13)" in said
    assert servers(fleet) == {"consul1", "consul2", "consul3"}


def test_a_host_is_not_forgotten_without_consent(fleet: Fleet, tmp_path: Path) -> None:
    both = 'backends = [_hosts["app1"], _hosts["app2"]]'
    path = Path(inventory(tmp_path, SERVERS))
    text = path.read_text()
    assert both in text
    path.write_text(text.replace(both, 'backends = [_hosts["app1"]]'))
    said = rollcall("deploy", str(path), code=1)
    assert "app2 is no longer in the inventory: this deploy removes its agent's token" in said


@pytest.mark.usefixtures("lab_servers")
def test_two_of_three_leave_the_quorum_and_come_back(fleet: Fleet, tmp_path: Path) -> None:
    one = inventory(tmp_path, f"{ONE}\n{FORMER}")
    with Visitor() as visitor:
        rollcall("deploy", "--yes", one)
        assert servers(fleet) == {"consul1"}
        expected = {host: "consul" if host == "consul1" else "node" for host in fleet.hosts}
        wait_for("roles of all six agents", lambda: roles(fleet) == expected)
        assert "✗" not in rollcall("verify", one)
        assert "Deployed" in rollcall("deploy", one)
        rollcall("deploy", LAB)
        wait_for("three healthy servers", lambda: healthy(fleet))
    assert visitor.failed == []
    assert fleet.deploy().changed == set()


@pytest.fixture
def lab_servers(fleet: Fleet) -> object:
    yield
    rollcall("deploy", LAB)


@pytest.mark.usefixtures("lab_servers")
def test_all_agents_restart_without_a_lost_request(fleet: Fleet, tmp_path: Path) -> None:
    """As for another image: a restarted agent takes its services for critical until their checks have run."""
    path = Path(inventory(tmp_path, SERVERS))
    text = path.read_text()
    assert '"address": host.address,' in text
    more = '"address": host.address, "consul": {"extra": {"log_level": "INFO"}},'
    path.write_text(text.replace('"address": host.address,', more))
    before = {host: fleet.containers(host)["consul"] for host in fleet.hosts}
    with Visitor() as visitor:
        rollcall("deploy", str(path))
    assert all(fleet.containers(host)["consul"] != before[host] for host in fleet.hosts)
    assert visitor.failed == []
