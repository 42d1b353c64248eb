"""Hosts that get another address or another name, under 32 keep-alive clients."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from deployed import BACKENDS, LAB, PROJECT, Fleet, answering, healthy, rollcall, wait_for
from keep_alive_load import Load
from lab_servers import FORMER, ONE, inventory, servers
from lab_servers import SERVERS as GROUP

FRONT_PORT = 8080
SERVERS = ("consul1", "consul2", "consul3")
ADDRESS = '"address": host.address,'


def second(fleet: Fleet, host: str, more: int = 40) -> str:
    """Return another address for a host of the lab, which it does not have yet."""
    network, _, own = fleet.declared.member(host).address.rpartition(".")
    return f"{network}.{int(own) + more}"


@pytest.fixture
def moved(fleet: Fleet, tmp_path: Path) -> Iterator[Callable[..., str]]:
    """Give hosts another address, and return the inventory with it; SSH goes by the one of before."""
    given: set[tuple[str, str]] = set()

    def move(*hosts: str, more: int = 40, group: str = GROUP) -> str:
        addresses = {host: second(fleet, host, more) for host in hosts}
        for host, address in addresses.items():
            given.add((host, address))
            fleet.on(host, f"ip address add {address}/24 dev eth0")
        text = Path(inventory(tmp_path, group)).read_text()
        assert ADDRESS in text
        changed = f'"address": {addresses!r}.get(host.name, host.address),'
        (tmp_path / "lab.py").write_text(text.replace(ADDRESS, changed))
        return str(tmp_path / "lab.py")

    yield move
    rollcall("deploy", LAB)
    for host, address in given:
        fleet.on(host, f"ip address del {address}/24 dev eth0", check=False)
    wait_for("three healthy servers", lambda: healthy(fleet))
    wait_for("answer of every backend", lambda: answering() == BACKENDS)
    assert fleet.deploy().changed == set()


def addresses(fleet: Fleet) -> dict[str, str]:
    """Return the address of every agent that is alive."""
    members = fleet.consul("/v1/agent/members", "app1") or ()
    return {one["Name"]: one["Addr"] for one in members if one["Status"] == 1}


def deploy_under_load(
    fleet: Fleet, inventory: str, says: Callable[[str], None], voters: tuple[str, ...] = SERVERS
) -> None:
    """Deploy while no request may fail; afterwards the servers are the same."""
    load = Load(FRONT_PORT)
    with load.running():
        said = rollcall("deploy", inventory)
    says(f"{said.strip().splitlines()[-1]} {load.requests} requests")
    assert load.broken == {}
    assert servers(fleet) == set(voters)


def test_a_server_and_a_client_get_another_address(
    fleet: Fleet, moved: Callable[..., str], says: Callable[[str], None]
) -> None:
    inventory = moved("consul2", "app2")
    assert f"rollcall deploy {inventory}" in " ".join(rollcall("verify", inventory, code=1).split())
    deploy_under_load(fleet, inventory, says)
    assert {name: addresses(fleet)[name] for name in ("consul2", "app2")} == {
        name: second(fleet, name) for name in ("consul2", "app2")
    }
    assert "✗" not in rollcall("verify", inventory)
    # Now the address of before is gone, as after a restart of the machine elsewhere.
    for host in ("consul2", "app2"):
        fleet.on(host, f"ip address del {second(fleet, host)}/24 dev eth0")
    inventory = moved("consul2", "app2", more=60)
    rollcall("deploy", inventory)
    assert addresses(fleet)["consul2"] == second(fleet, "consul2", 60)
    assert addresses(fleet)["app2"] == second(fleet, "app2", 60)
    wait_for("answer of every backend", lambda: answering() == BACKENDS)
    assert "✗" not in rollcall("verify", inventory)


def test_all_servers_and_the_front_get_another_address_in_one_deploy(
    fleet: Fleet, moved: Callable[..., str], says: Callable[[str], None]
) -> None:
    rollcall("consul", LAB, "--", "kv", "put", "shop/greeting", "hello")
    inventory = moved(*SERVERS, "front1")
    deploy_under_load(fleet, inventory, says)
    assert {addresses(fleet)[name] for name in SERVERS} == {second(fleet, name) for name in SERVERS}
    assert "hello" in rollcall("consul", inventory, "--", "kv", "get", "shop/greeting")
    rollcall("consul", inventory, "--", "kv", "delete", "shop/greeting")
    assert "✗" not in rollcall("verify", inventory)


def test_the_only_server_gets_another_address(
    fleet: Fleet, moved: Callable[..., str], tmp_path: Path, says: Callable[[str], None]
) -> None:
    one = f"{ONE}\n{FORMER}"
    rollcall("deploy", "--yes", inventory(tmp_path, one))
    rollcall("consul", LAB, "--", "kv", "put", "shop/greeting", "hello")
    there = moved("consul1", group=one)
    deploy_under_load(fleet, there, says, voters=("consul1",))
    assert addresses(fleet) == {member.name: member.address for member in fleet.declared.members} | {
        "consul1": second(fleet, "consul1")
    }
    assert "✗" not in rollcall("verify", there)
    # Now the address of before is gone, as after a restart of the machine elsewhere.
    fleet.on("consul1", f"ip address del {second(fleet, 'consul1')}/24 dev eth0")
    deploy_under_load(fleet, moved("consul1", more=60, group=one), says, voters=("consul1",))
    assert addresses(fleet)["consul1"] == second(fleet, "consul1", 60)
    assert "hello" in rollcall("consul", LAB, "--", "kv", "get", "shop/greeting")
    # Back again, while two more join it.
    deploy_under_load(fleet, LAB, says)
    assert "hello" in rollcall("consul", LAB, "--", "kv", "get", "shop/greeting")
    rollcall("consul", LAB, "--", "kv", "delete", "shop/greeting")
    assert "✗" not in rollcall("verify", LAB)


def test_a_host_gets_another_name_by_the_command_that_the_refusal_names(fleet: Fleet, tmp_path: Path) -> None:
    def named(node: str) -> str:
        text = (PROJECT / LAB).read_text()
        given = f'{ADDRESS} **({{"node": "{node}"}} if host.name == "app2" else {{}}),'
        (tmp_path / "lab.py").write_text(text.replace(ADDRESS, given))
        return str(tmp_path / "lab.py")

    load = Load(FRONT_PORT)
    with load.running():
        for before, after in (("app2", "web2"), ("web2", "app2")):
            inventory = named(after)
            said = rollcall("deploy", inventory, code=1)
            assert f'keep that name by ("app2", {{"node": "{before}"}}); for the new name, write that, run' in said
            named(before)
            command = f"rollcall remove {inventory} --host app2"
            assert command in said
            rollcall(*command.split()[1:], "--yes")
            rollcall("deploy", named(after))
            assert set(addresses(fleet)) == {*fleet.hosts, after} - {before}
            assert "✗" not in rollcall("verify", inventory)
    assert load.broken == {}
