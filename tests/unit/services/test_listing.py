"""The services of a fleet, as `rollcall services` shows them."""

import pytest
from six_hosts import checked

from rollcall.config.image_version import version
from rollcall.registrator.services.identity import MARK_CONTAINER
from rollcall.services.listing import HostServices, Row, rows
from rollcall.services.observed import Running

SHOP = {
    "name": "shop",
    "image": "shop:1.5",
    "count": 2,
    "ports": [8000],
    "routes": [{"host": "shop.example.com"}, {"host": "www.example.com"}],
}


def running(name: str, image: str = "shop:1.5", *, runs: bool = True) -> Running:
    created = "2026-11-28T10:00:00Z" if image == "shop:1.4" else "2026-11-28T12:00:00Z"
    return Running(name, name.ljust(64, "0"), "c0ffee", runs, False, 0, 1, "none", "", 60.0, image, created)


def host(name: str, *containers: Running, sick: str = "") -> HostServices:
    services = {
        one.name: {"ID": one.name, "Service": "shop", "Meta": {MARK_CONTAINER: one.identity[:12]}}
        for one in containers
        if one.runs
    }
    check = {"CheckID": "c", "ServiceID": sick, "Name": "HTTP", "Status": "critical", "Output": "503"}
    return HostServices(name, containers, services, {"c": check} if sick else {})


def test_a_fleet_in_the_middle_of_a_release_that_failed() -> None:
    fleet = checked(services=[SHOP])
    found = rows(
        fleet,
        [
            host("app1", running("shop-1"), running("shop-2", "shop:1.4")),
            host("app2", running("shop-1", "shop:1.4"), running("shop-failed", runs=False), sick="shop-1"),
            host("front1", running("cart-1", "cart:1")),
        ],
    )
    assert found == [
        Row(
            "cart",
            ("1",),
            "2026-11-28T12:00:00Z",
            1,
            0,
            ("front1",),
            (),
            ("it is not declared; the next deploy removes it",),
        ),
        Row(
            "shop",
            ("1.5", "1.4"),
            "2026-11-28T10:00:00Z",
            2,
            12,
            ("app1", "app2"),
            ("shop.example.com", "www.example.com"),
            ("shop-1 of app2: HTTP is critical: 503", "shop-failed of app2 is kept from a failed release of 1.5"),
        ),
    ]


def test_a_declared_service_that_was_never_deployed() -> None:
    (row,) = rows(checked(services=[SHOP]), [])
    assert (row.versions, row.since, row.serving, row.declared) == ((), "", 0, 12)


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("shop:1.4", "1.4"),
        ("registry.example.com:5000/team/shop:1.4", "1.4"),
        ("registry.example.com:5000/team/shop", "latest"),
        ("shop:1.4@sha256:0123456789abcdef", "1.4"),
        ("shop@sha256:0123456789abcdef", "0123456789ab"),
    ],
)
def test_the_version_of_an_image(image: str, expected: str) -> None:
    assert version(image) == expected
