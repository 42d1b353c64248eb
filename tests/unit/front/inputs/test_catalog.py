"""Parse the document that consul-template renders."""

import json
from typing import Any

import pytest

from rollcall.front.inputs.catalog import read

CONSUL = {"service": "consul", "id": "consul", "port": 8300}


def row(**more: Any) -> dict[str, Any]:
    plain = {"service": "shop-80", "id": "app1:shop:80", "node": "app1", "address": "10.0.0.1", "port": 80}
    return {**plain, "tags": None, "meta": None, "weight": 1, "checks": {"serfHealth": "passing"}, **more}


def rendered(*rows: dict[str, Any], keys: dict[str, str] | None = None, unasked: tuple[str, ...] = ()) -> str:
    pairs = [{"key": key, "value": value} for key, value in (keys or {}).items()]
    return json.dumps({"instances": [None, *rows], "unasked": [None, *unasked], "keys": [None, *pairs]})


def test_a_registration_is_read() -> None:
    catalog = read(rendered(row(tags=["v2"], meta={"b": "2", "a": "1"}, weight=3), keys={"canary/shop-80": "{}"}))
    (one,) = catalog.instances
    assert (one.service, one.identity, one.node, one.endpoint) == ("shop-80", "app1:shop:80", "app1", "10.0.0.1:80")
    assert (one.tags, one.meta, one.weight) == (("v2",), (("a", "1"), ("b", "2")), 3)
    assert catalog.keys == {"canary/shop-80": "{}"} and catalog.complaints == ()


@pytest.mark.parametrize(
    ("checks", "state"),
    [
        ({}, "passing"),
        ({"serfHealth": "passing", "service:x": "passing"}, "passing"),
        ({"serfHealth": "passing", "service:x": "warning"}, "warning"),
        ({"a": "warning", "b": "critical"}, "critical"),
        ({"_node_maintenance": "critical"}, "maintenance"),
        ({"_service_maintenance:app1:shop:80": "critical", "b": "critical"}, "maintenance"),
        ({"_service_maintenance:app1:other:80": "critical"}, "critical"),
    ],
)
def test_the_worst_check_is_the_state_and_maintenance_has_its_own(checks: dict[str, str], state: str) -> None:
    (one,) = read(rendered(row(checks=checks))).instances
    assert one.state == state


@pytest.mark.parametrize(("said", "alive"), [("passing", True), ("critical", False)])
def test_a_lost_node_differs_from_a_failing_service(said: str, alive: bool) -> None:
    (one,) = read(rendered(row(checks={"serfHealth": said, "service:x": "critical"}))).instances
    assert one.node_alive is alive and one.state == "critical"


@pytest.mark.parametrize(
    "address",
    ["", "10.0.0.1; } server { listen 1.1.1.1:1", "no-such-host.invalid", "300.1.1.1", "10.0.0.1:80", "fe80::1%;x"],
)
def test_an_invalid_address_costs_only_its_own_instance(address: str) -> None:
    catalog = read(rendered(row(address=address, id="bad"), row()))
    assert [instance.identity for instance in catalog.instances] == ["app1:shop:80"]
    (text,) = catalog.complaints
    assert text.startswith(
        f"bad of shop-80 is registered with the address {address!r}, so it gets no requests; expected"
    )


def test_an_ipv6_address_has_the_form_that_nginx_requires() -> None:
    (one,) = read(rendered(row(address="2001:DB8::0001"))).instances
    assert one.endpoint == "[2001:db8::1]:80"


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_only_a_service_with_a_route_needs_a_port(port: int) -> None:
    catalog = read(rendered(row(port=port, meta={"virtual_host": "a.example.com"}, id="bad"), row(port=port)))
    assert catalog.instances == ()
    assert catalog.complaints == (
        f"bad of shop-80 is registered with the port {port}, so it gets no requests; expected a port from 1 to 65535",
    )


def test_a_catalog_without_consul_itself_is_not_readable() -> None:
    assert read(rendered(row(), row(**CONSUL))).readable
    assert not read(rendered(row())).readable


def test_a_service_that_cannot_be_queried_is_named() -> None:
    (text,) = read(rendered(unasked=("a.b",))).complaints
    assert text.startswith("consul-template cannot query the service 'a.b', so it has no route; expected")


def test_order_and_duplicates_of_rows_make_no_difference() -> None:
    rows = [row(id=identity, service=service) for identity in "ab" for service in ("Shop", "shop")]
    assert read(rendered(*rows, *rows)) == read(rendered(*reversed(rows)))


@pytest.mark.parametrize("text", ["", '{"instances": [null', "[]", '{"instances": []}', rendered({"service": "x"})])
def test_an_incomplete_document_is_one_sentence(text: str) -> None:
    with pytest.raises(ValueError, match=r"^the rendered catalog is not a document of catalog\.ctmpl: "):
        read(text)
