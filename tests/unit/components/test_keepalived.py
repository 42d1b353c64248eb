"""One address for several fronts: each front's configuration, and rejected settings."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from own_components import check, resources
from six_hosts import raw_hosts

from rollcall.components import keepalived
from rollcall.components.component import HostFacts
from rollcall.config.fleet import Fleet, RawHost, nowhere
from rollcall.converge.resources import Container, File, Resource
from rollcall.errors import RollcallError
from rollcall.secrets.store import Secrets

Desired = Callable[[Fleet, str], dict[str, tuple[Resource, ...]]]
SHARED = {"virtual_address": "10.77.0.100/24"}
EVERYWHERE = {"10.77.0.31": "eth0", "10.77.0.22": "ens5", "127.0.0.1": "lo"}


def hosts(**front: Any) -> list[RawHost]:
    """The lab, with app2 as a second front."""
    return [
        replace(one, groups=one.groups | {"fronts"}) if one.name == "app2" else one for one in raw_hosts(front=front)
    ]


def two_fronts(**front: Any) -> Fleet:
    return check("six", hosts(**front), "laptop", nowhere)


@pytest.fixture
def desired(facts: HostFacts, secret: Secrets) -> Desired:
    here = replace(facts, interfaces=EVERYWHERE)
    nodes = dict.fromkeys(("app2", "front1"), secret.operator)
    known = replace(secret, fronts=nodes)

    def of(fleet: Fleet, name: str) -> dict[str, tuple[Resource, ...]]:
        return dict(resources(fleet, name, here, known))

    return of


def configuration(resources: tuple[Resource, ...]) -> str:
    (file,) = [resource for resource in resources if isinstance(resource, File)]
    return file.text


def test_a_front_that_also_runs_services_has_the_same_configuration_by_any_digest_of_them(desired: Desired) -> None:
    fleet = two_fronts(**SHARED)
    front = fleet.member("app2")
    running = replace(front, settings=front.settings.model_copy(update={"timeout_factor": 2}))
    assert running != front
    assert keepalived._configuration(fleet, running, EVERYWHERE) == configuration(desired(fleet, "app2")["keepalived"])


def test_each_front_lists_the_others_and_has_a_lower_priority_than_earlier_ones(desired: Desired) -> None:
    fleet = two_fronts(**SHARED, http_port=8080)
    first, second = (configuration(desired(fleet, name)["keepalived"]) for name in ("app2", "front1"))
    assert "unicast_src_ip 10.77.0.22" in first
    assert "10.77.0.31 min_ttl 255" in first
    assert "10.77.0.22 min_ttl 255" not in first
    assert "priority 254" in first
    assert "interface ens5" in first
    assert "unicast_src_ip 10.77.0.31" in second
    assert "priority 127" in second
    assert "interface eth0" in second
    for text in (first, second):
        assert "front-serves 127.0.0.1 8080" in text
        assert "virtual_router_id 51" in text
        assert "10.77.0.100/24" in text


def test_interface_and_router_can_be_set(desired: Desired) -> None:
    fleet = two_fronts(**SHARED, virtual_interface="bond0.7", virtual_router=7)
    text = configuration(desired(fleet, "front1")["keepalived"])
    assert "interface bond0.7" in text
    assert "virtual_router_id 7" in text


def test_it_has_the_rights_that_addresses_need_and_no_others(desired: Desired) -> None:
    (container,) = [
        resource
        for resource in desired(two_fronts(**SHARED), "front1")["keepalived"]
        if isinstance(resource, Container)
    ]
    assert container.add_capabilities == ("NET_ADMIN", "NET_RAW", "SETGID")
    assert container.drop_capabilities == ("ALL",)
    assert container.read_only


def test_nothing_without_a_shared_address_and_nothing_beside_no_front(desired: Desired) -> None:
    assert desired(two_fronts(), "front1")["keepalived"] == ()
    assert desired(two_fronts(**SHARED), "app1")["keepalived"] == ()


def test_a_changed_configuration_reloads_and_keeps_the_address(desired: Desired) -> None:
    """Its container stays: replacing it would release the address and close every connection."""
    made = [two_fronts(**SHARED), two_fronts(**SHARED, virtual_router=7)]
    one, other = ({type(resource): resource for resource in desired(fleet, "front1")["keepalived"]} for fleet in made)
    assert one[Container] == other[Container]
    assert one[File] != other[File]
    assert "--signal=HUP" in getattr(other[File], "notify", "")


@pytest.mark.parametrize(
    ("front", "sentence"),
    [
        ({"virtual_address": "10.77.0.100"}, "front.virtual_address: got '10.77.0.100'; expected an IPv4 address with"),
        (
            {"virtual_address": "10.77.0.100/33"},
            "front.virtual_address: got '10.77.0.100/33'; expected an IPv4 address",
        ),
        ({"virtual_address": "10.77.0.0/24"}, "which no host can have; expected a host's address in 10.77.0.0/24"),
        ({"virtual_address": "10.77.0.255/24"}, "which no host can have"),
        ({"virtual_address": "127.0.0.5/8"}, "which no host can have"),
        ({"virtual_address": "10.77.0.21/24"}, "the address of app1; expected an address that no host has"),
        ({"virtual_address": "10.9.0.1/24"}, "but app2's address 10.77.0.22 is not in 10.9.0.0/24; expected"),
        (
            {**SHARED, "address": "10.77.0.31"},
            "front.address: got '10.77.0.31', and nginx would not listen on front.virtual_address",
        ),
        ({**SHARED, "virtual_router": 0}, "front.virtual_router: got 0; expected an integer from 1 to 255"),
        ({**SHARED, "virtual_router": 256}, "front.virtual_router: got 256; expected an integer from 1 to 255"),
        (
            {**SHARED, "virtual_interface": "eth 0"},
            "front.virtual_interface: got 'eth 0'; expected the name of a network",
        ),
    ],
)
def test_an_impossible_address_is_one_sentence(front: dict[str, Any], sentence: str) -> None:
    with pytest.raises(RollcallError) as refusal:
        two_fronts(**front)
    assert sentence in str(refusal.value)


def test_an_address_of_another_network_needs_its_interface() -> None:
    assert two_fronts(virtual_address="192.0.2.7/32", virtual_interface="eth1").fronts


def test_one_front_has_nothing_to_share() -> None:
    with pytest.raises(RollcallError, match="front1 is the only host in fronts"):
        check("six", raw_hosts(front=SHARED), "laptop", nowhere)


def test_fronts_that_do_not_agree_are_named_with_the_place() -> None:
    raw = hosts(**SHARED)
    raw[-1] = replace(raw[-1], data={**raw[-1].data, "front": {**SHARED, "virtual_router": 7}})
    with pytest.raises(RollcallError, match=r"front\.virtual_router: got 7 for front1 and 51 for app2"):
        check("six", raw, "laptop", nowhere)


def test_its_image_is_a_setting() -> None:
    raw = [replace(one, data={**one.data, "keepalived": {"imge": "x"}}) for one in hosts(**SHARED)]
    with pytest.raises(RollcallError, match=r"keepalived\.imge: unknown setting; did you mean image"):
        check("six", raw, "laptop", nowhere)


@pytest.mark.parametrize(
    ("front", "interfaces", "sentence"),
    [
        (
            {"virtual_interface": "eth9"},
            EVERYWHERE,
            "front.virtual_interface: got 'eth9'; expected an interface that has",
        ),
        ({}, {}, "no interface with the address 10.77.0.31 was found"),
        ({}, EVERYWHERE, ""),
        ({"virtual_interface": "ens5"}, EVERYWHERE, ""),
    ],
)
def test_an_interface_that_a_host_has_not(front: dict[str, Any], interfaces: dict[str, str], sentence: str) -> None:
    fleet = two_fronts(**SHARED, **front)
    said = keepalived.no_interface(fleet.member("front1"), interfaces)
    assert sentence in said
    assert bool(sentence) == bool(said)
