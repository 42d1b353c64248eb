"""A release that is killed after any of its steps: visitors notice nothing, and the same command ends it right."""

from collections.abc import Callable, Iterator
from itertools import count

import pytest
from deployed import Fleet, rollcall
from keep_alive_load import Load
from killing import ended_at, finish
from shop_service import SHOP, Declared

HOSTS = ("app1", "app2")


@pytest.fixture(scope="module")
def shop(fleet: Fleet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Declared]:
    declared = Declared(tmp_path_factory.mktemp("shop"))
    yield declared
    declared.write()
    rollcall("deploy", declared.inventory, "--yes")
    assert fleet.deploy().changed == set()


def is_step(line: str) -> bool:
    """Whether a deploy says by this line what it has done, or does, with a container of the service."""
    return "shop" in line and not line.startswith(("Loading", "-->"))


def after(number: int) -> Callable[[str], bool]:
    """Find the line by which a deploy has said this many steps."""
    said = count(1)
    return lambda line: is_step(line) and next(said) == number


def containers(fleet: Fleet) -> dict[str, list[str]]:
    """Give all containers of the service, running or not, by host."""
    return {host: fleet.on(host, "docker ps -a --format '{{.Names}}' | grep shop").split() for host in HOSTS}


def versions(fleet: Fleet) -> set[str]:
    command = "docker inspect --format '{{.Config.Cmd}}' shop-1 | grep -o 'return 200 \"v[0-9]*' | cut -d'\"' -f2"
    return {fleet.on(host, command) for host in HOSTS}


def test_a_release_killed_after_any_step_is_ended_by_the_same_command(fleet: Fleet, shop: Declared) -> None:
    shop.write("v0")
    rollcall("deploy", shop.inventory)
    number = 0
    while True:
        number += 1
        shop.write(f"v{number}")
        load = Load(8080, path="/", connections=4, host=SHOP)
        with load.running():
            was_killed = ended_at(after(number), "deploy", shop.inventory).outcome == "ended"
            finish("deploy", shop.inventory)
        assert not load.broken, (number, load.answers)
        assert containers(fleet) == {host: ["shop-1"] for host in HOSTS}, number
        assert versions(fleet) == {f"v{number}"}
        registered = {one["ServiceID"] for one in fleet.consul("/v1/catalog/service/shop")}
        assert registered == {f"{host}:shop-1:8000" for host in HOSTS}
        if not was_killed:
            break
    # One release of two hosts has at least: start, wait, drain and remove on each.
    assert number > 2 * 4
