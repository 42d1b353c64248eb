"""Two fronts under one address: app2 becomes a second one, and visitors of the address notice nothing that lasts."""

import http.client
from collections.abc import Iterator
from pathlib import Path

import pytest
from deployed import LAB, PROJECT, Fleet, rollcall, wait_for

from rollcall.images.docker import docker
from rollcall.lab.layout import HOSTS, NETWORK

# In `make test` two fronts share an address on one engine (tests/integration/two_fronts).
pytestmark = pytest.mark.long

SHARED = "10.77.0.100"
FRONTS = ("front1", "app2")
# Seconds. Two are usual, and five where a front hangs; a busy machine takes longer, and that is no fault.
DEADLINE = 20


def address_of(name: str) -> str:
    return next(host.address for host in HOSTS if host.name == name)


def ask() -> int:
    """Give the status of a request to the shared address over a new connection; 0 is no answer."""
    connection = http.client.HTTPConnection(SHARED, timeout=0.5)
    try:
        connection.request("GET", "/json")
        answer = connection.getresponse()
        answer.read()
        return answer.status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


def holders(fleet: Fleet) -> list[str]:
    """Name the fronts that have the shared address."""
    return [name for name in FRONTS if SHARED in fleet.on(name, "hostname -I").split()]


@pytest.fixture(scope="module")
def inventory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The lab with app2 as a second front, as a user would write it."""
    folder = tmp_path_factory.mktemp("two")
    own = (PROJECT / LAB).read_text()
    (folder / "lab.py").write_text(own.replace('[_hosts["front1"]]', '[_hosts["front1"], _hosts["app2"]]'))
    (folder / "group_data").mkdir()
    usual = (PROJECT / "group_data" / "fronts.py").read_text()
    (folder / "group_data" / "fronts.py").write_text(
        f'{usual}\nfront = {{**front, "virtual_address": "{SHARED}/24"}}\n'
    )
    return folder / "lab.py"


@pytest.fixture(scope="module")
def two(fleet: Fleet, inventory: Path) -> Iterator[Fleet]:
    rollcall("deploy", str(inventory))
    try:
        wait_for("answer at the shared address", lambda: ask() == 200)
        yield fleet
    finally:
        rollcall("deploy", "--yes", LAB)
        assert fleet.deploy().changed == set()


def test_exactly_one_front_has_the_address(two: Fleet) -> None:
    assert len(wait_for("holder", lambda: holders(two))) == 1


def test_a_second_deploy_changes_nothing(two: Fleet, inventory: Path) -> None:
    before = two.all_containers()
    rollcall("deploy", str(inventory))
    assert two.all_containers() == before


def test_verify(two: Fleet, inventory: Path) -> None:
    assert "✗" not in rollcall("verify", str(inventory))


def other(name: str) -> str:
    return next(one for one in FRONTS if one != name)


def test_a_front_that_stops_serving_loses_the_address_and_does_not_take_it_back(two: Fleet) -> None:
    [had] = wait_for("holder", lambda: holders(two))
    # With its nginx frozen it neither serves nor refuses.
    two.on(had, "docker pause front")
    try:
        wait_for("answer of the other", lambda: ask() == 200 and holders(two) == [other(had)], DEADLINE)
    finally:
        two.on(had, "docker unpause front")
    states = "docker logs --since 20s keepalived 2>&1"
    wait_for("candidate again", lambda: "Entering BACKUP STATE" in two.on(had, states))
    assert holders(two) == [other(had)]
    assert ask() == 200


def test_a_host_that_is_cut_off_loses_the_address(two: Fleet) -> None:
    [had] = wait_for("holder", lambda: holders(two))
    machine = next(host.container for host in HOSTS if host.name == had)
    docker("network", "disconnect", "--force", NETWORK, machine, doing="cut a host off")
    try:
        wait_for("answer of the other", lambda: ask() == 200, DEADLINE)
    finally:
        docker("network", "connect", f"--ip={address_of(had)}", NETWORK, machine, doing="connect it again")
    wait_for("one holder", lambda: holders(two) == [other(had)])
    wait_for("host back in the fleet", lambda: ask() == 200)


def test_a_new_container_of_the_front_moves_nothing(two: Fleet, inventory: Path) -> None:
    [had] = wait_for("holder", lambda: holders(two))
    before = two.containers(had)["front"]
    group_data = inventory.parent / "group_data" / "fronts.py"
    usual = group_data.read_text()
    now = two.on(had, "date +%s.%N")
    group_data.write_text(f'{usual}\nfront = {{**front, "stop_timeout": 21}}\n')
    try:
        rollcall("deploy", str(inventory))
        assert two.containers(had)["front"] != before
        assert "Entering" not in two.on(had, f"docker logs --since {now} keepalived 2>&1")
        assert holders(two) == [had]
        assert ask() == 200
    finally:
        group_data.write_text(usual)
        rollcall("deploy", str(inventory))


def test_without_the_setting_nothing_of_it_is_left(two: Fleet) -> None:
    rollcall("deploy", "--yes", LAB)
    assert not [name for name in two.all_containers() if name.endswith("/keepalived")]
    assert holders(two) == []
    assert "front" not in two.containers("app2")
    assert two.on("front1", "ls -d /etc/rollcall/keepalived 2>/dev/null", check=False) == ""
