"""Servers that are missing from the inventory."""

import json

import pytest

from rollcall.consul.servers import by_name, unlisted

ADDRESSES = ("10.0.0.1", "10.0.0.2")
NODES = ("c1", "c2")


def health(**servers: tuple[str, str]) -> str:
    return json.dumps(
        {
            "Servers": [
                {"Name": name, "Address": f"{at}:8300", "SerfStatus": serf} for name, (at, serf) in servers.items()
            ]
        }
    )


def test_every_server_is_a_host_of_the_inventory_by_whatever_name() -> None:
    assert unlisted(health(old=("10.0.0.1", "alive"), c2=("10.0.0.2", "alive")), ADDRESSES, NODES) == ""


def test_a_server_whose_address_changed_is_one_of_the_inventory_by_its_name() -> None:
    assert unlisted(health(c1=("10.0.0.1", "alive"), c2=("10.0.0.9", "alive")), ADDRESSES, NODES) == ""


def test_a_live_server_that_was_removed_from_the_inventory_is_rejected() -> None:
    sentence = unlisted(health(c1=("10.0.0.1", "alive"), c3=("10.0.0.3", "alive")), ADDRESSES, NODES)
    assert sentence.startswith("c3 (10.0.0.3): still a Consul server of this fleet, but not in the inventory")
    both = unlisted(health(c3=("10.0.0.3", "alive"), c4=("10.0.0.4", "alive")), ADDRESSES, NODES)
    assert both.startswith("c3 (10.0.0.3), c4 (10.0.0.4): still Consul servers")


def test_a_dead_one_is_autopilots_to_remove() -> None:
    assert unlisted(health(c1=("10.0.0.1", "alive"), c3=("10.0.0.3", "failed")), ADDRESSES, NODES) == ""


@pytest.mark.parametrize("answer", ["", "No cluster leader", '{"Servers": null}', "[]", "null"])
def test_output_without_health_rejects_nothing(answer: str) -> None:
    assert unlisted(answer, ADDRESSES, NODES) == ""
    assert not by_name(answer)
