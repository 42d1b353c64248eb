"""What a front finds wrong by its routing and the catalog."""

from dataclasses import replace
from datetime import timedelta

from front_catalog import SETTINGS, declared, instance, settings
from front_sight import NOW

from rollcall.contract.stream_metadata import Place
from rollcall.front.certificates.sites import of_certificate
from rollcall.front.inputs.catalog import Catalog, Instance
from rollcall.front.inputs.settings import DeclaredStream
from rollcall.front.routing.routes import routing
from rollcall.front.status.findings import of_catalog
from rollcall.front.status.problems import Problems


def found(*instances: Instance, **more: object) -> list[tuple[str, str]]:
    catalog = Catalog(tuple(instances))
    given = settings(*more.pop("routes", ()), services=("nginx-80",), **more)  # type: ignore[misc]
    return [(one.kind, one.subject) for one in of_catalog(routing(catalog, given), catalog)]


WEB = instance("web-1", service="nginx-80")


def server(node: str, *, alive: bool = True) -> Instance:
    return instance("consul", service="consul", node=node, node_alive=alive)


def test_a_site_whose_services_have_no_instance_is_a_problem() -> None:
    assert found() == [("unserved", "the default site")]
    assert found(replace(WEB, state="critical")) == [("unserved", "the default site")]
    assert found(WEB) == []


def test_a_stream_without_instances_is_a_problem() -> None:
    stream = DeclaredStream("db-5432", (Place(5432),), ())
    assert found(WEB, streams=(stream,)) == [("unserved", "port 5432/tcp")]
    assert found(WEB, instance("db", "db-5432", state="critical"), streams=(stream,)) == [("unserved", "port 5432/tcp")]
    assert found(WEB, instance("db", "db-5432"), streams=(stream,)) == []


def test_a_route_without_instances_is_a_problem_too() -> None:
    shop = instance("shop-1", state="critical", virtual_host="shop.example.com")
    assert found(WEB, shop) == [("unserved", "shop.example.com/")]
    assert found(WEB, routes=[declared("api-80", "api.example.com")]) == [("unserved", "api.example.com/")]


def test_a_site_with_a_maintenance_page_is_not_a_problem() -> None:
    catalog = Catalog((), {"maintenance/_": "Back at noon."})
    given = settings(services=("nginx-80",))
    assert of_catalog(routing(catalog, given), catalog) == []


def test_a_redirect_and_a_closed_route_are_served() -> None:
    shop = instance("shop-1", virtual_host="shop.example.com", virtual_redirect_from="www")
    closed = instance("b", "b-80", virtual_host="b.example.com", virtual_allow="nonsense")
    assert found(WEB, shop, closed) == []


def test_a_lost_node_is_named_and_a_lost_server_twice() -> None:
    gone = replace(WEB, node="app2", identity="app2:web-9:80", address="10.9.9.9", node_alive=False, state="critical")
    assert found(WEB, gone) == [("lost", "app2")]
    servers = [server("one"), server("two"), server("three", alive=False)]
    assert found(WEB, *servers) == [("lost", "three"), ("short", "servers")]
    assert found(WEB, *servers[:2]) == []


def test_a_problem_keeps_its_time_while_its_text_changes() -> None:
    problems = Problems()
    for instances in ((), (replace(WEB, state="critical"),)):
        catalog = Catalog(instances)
        problems.found_by("what is served", of_catalog(routing(catalog, settings(services=("nginx-80",))), catalog))
    (only,) = problems.all()
    first = only.since
    problems.found_by("what is served", [replace(only, text="another")])
    assert problems.all()[0].since == first
    assert "1 critical" in only.text


def test_a_certificate_is_a_problem_before_it_expires() -> None:
    assert of_certificate(replace(SETTINGS, certificate_end=(NOW + timedelta(days=300)).isoformat()), NOW) == []
    soon = replace(SETTINGS, certificate_end=(NOW + timedelta(days=3)).isoformat(), certificate_file="site.crt")
    (problem,) = of_certificate(soon, NOW)
    assert (problem.kind, "site.crt" in problem.text) == ("expiring", True)
