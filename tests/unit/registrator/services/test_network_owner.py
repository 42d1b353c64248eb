"""Whose network a container uses, and what it is registered as in published mode."""

import pytest
from registrator_documents import container, settings

from rollcall.registrator.docker.container import Container
from rollcall.registrator.services.network_owner import find_among, network_owner
from rollcall.registrator.services.services import ContainerServices, read_services

EARLY, LATE = "2026-11-28T10:00:00.5Z", "2026-11-28T10:00:00.500000001Z"


def one(name: str, mode: str = "default", at: str = EARLY, running: bool = True, **fields: object) -> Container:
    state = {"Running": running, "Paused": False, "ExitCode": 0, "StartedAt": at}
    identity = name.ljust(64, "0")
    return container(*fields.pop("ports", ()), Id=identity, Name=f"/{name}", mode=mode, State=state, **fields)  # type: ignore


VPN = one("vpn", published={"8080/tcp": [("127.0.0.1", 1), ("0.0.0.0", 18080)], "53/udp": ("0.0.0.0", 1053)})
APP = one("app", mode=f"container:{VPN.id}", networks={}, ports=("8080/tcp",))


def read(borrower: Container, *others: Container, **fields: object) -> ContainerServices:
    owner = network_owner(borrower, lambda text: find_among(others, text))
    return read_services(borrower, settings(**{"ip": "10.0.0.1", **fields}), owner)


def places(reading: ContainerServices) -> list[str]:
    return [f"{service.id} {service.address}:{service.port}" for service in reading.services]


def test_a_borrower_is_reached_where_the_lender_published_its_port() -> None:
    assert places(read(APP, VPN)) == ["app1:app:8080 10.0.0.1:18080"]
    assert places(read(APP, VPN, internal=True)) == ["app1:app:8080 172.17.0.9:8080"]
    assert places(read(APP, VPN, ip_from_container=True)) == ["app1:app:8080 172.17.0.9:1"]


def test_what_the_lender_has_not_published_is_no_service_and_is_said() -> None:
    reading = read(one("app", mode="container:vpn", networks={}, ports=("80/tcp", "8080/udp")), VPN)
    assert reading.services == ()
    assert reading.remarks == (f"not published on the host by {VPN}, whose network it uses: 80/tcp, 8080/udp",)


@pytest.mark.parametrize("spelled", [VPN.id, VPN.short_id, "vpn"])
def test_a_lender_may_be_named_by_id_or_name(spelled: str) -> None:
    assert places(read(one("app", mode=f"container:{spelled}", networks={}, ports=("8080/tcp",)), VPN))


def test_a_chain_of_borrowers_ends_at_the_one_that_has_the_network() -> None:
    last = one("last", mode=f"container:{APP.id}", networks={}, ports=("8080/tcp",))
    reading = read(last, APP, VPN)
    assert places(reading) == ["app1:last:8080 10.0.0.1:18080"]
    assert reading.network_chain == (APP.id, VPN.id)


def test_a_lender_in_the_hosts_network_lends_the_hosts_address() -> None:
    host = one("vpn", mode="host", networks={})
    assert places(read(APP, host)) == ["app1:app:8080 10.0.0.1:8080"]


@pytest.mark.parametrize(
    ("others", "says"),
    [
        ((), "no longer exists"),
        ((one("vpn", running=False),), "the container vpn (vpn000000000) does not run"),
        ((one("vpn", at=LATE),), "has a new network since its restart; restart app, too"),
        ((one("vpn", mode=f"container:{APP.id}"), APP), "form a circle"),
    ],
)
def test_a_network_that_is_gone_costs_the_service_and_is_said(others: tuple[Container, ...], says: str) -> None:
    for fields in ({}, {"internal": True}):
        reading = read(APP, *others, **fields)
        assert reading.services == ()
        assert says in reading.faults[0]
        assert reading.losses == ()


@pytest.mark.parametrize("at", ["", "0001-01-01T00:00:00Z", EARLY, "yesterday"])
def test_a_lender_that_is_not_known_to_be_younger_is_none(at: str) -> None:
    assert places(read(APP, one("vpn", at=at, published={"8080/tcp": ("0.0.0.0", 1)})))
