"""The status document: what the front's page, its metrics and `rollcall status` are made of."""

import json
from dataclasses import replace
from datetime import timedelta, timezone
from typing import Any

from front_sight import NOW, ago, instance, problem, seen, sight

from rollcall.contract.status_document import Document, container_of
from rollcall.contract.stream_metadata import Place
from rollcall.front.inputs.catalog import Catalog, Instance
from rollcall.front.nginx import open_connections
from rollcall.front.routing import rotation
from rollcall.front.routing.model import Routing, Server, Stream, Upstream
from rollcall.front.status.document import Counts, document
from rollcall.front.status.health import verdict


def instances(found: Document, service: str) -> dict[str, Any]:
    (one,) = [one for one in found["services"] if one["name"] == service]
    return {entry["container"]: entry for entry in one["instances"]}


def test_an_instance_has_all_its_facts() -> None:
    assert instances(seen(), "nginx-80")["nginx-1"] == {
        "id": "app1:nginx-1:80",
        "node": "app1",
        "address": f"10.77.0.5:{instance('nginx-1').port}",
        "container": "nginx-1",
        "tags": [],
        "version": "",
        "state": "passing",
        "weight": 1,
        "share": 0.5,
        "listed_since": "2026-11-26T02:59:00Z",
        "requests": 10,
        "errors": 1,
        "seconds": 0.8,
        "received": 0,
        "sent": 0,
        "open": None,
    }


def test_the_front_itself() -> None:
    found = seen(problems=(problem("nginx refuses it"),))
    assert found["generation"] == {
        "number": 12,
        "since": "2026-11-26T02:59:00Z",
        "instances": 3,
        "reloads": 11,
        "old": 1,
        "last_reload_seconds": 0.067,
    }
    assert found["problems"] == [
        {
            "kind": "refused",
            "severity": "warning",
            "text": "nginx refuses it",
            "subject": "",
            "since": "2026-11-26T02:59:55Z",
            "next": "mend what the sentence names, then rollcall deploy INVENTORY",
        }
    ]
    assert found["consul_template"]["running"] is True
    assert seen(consul_template_since=None)["consul_template"]["running"] is False
    assert (found["version"], found["node"], found["time"]) == (1, "front1", "2026-11-26T03:00:00Z")


def test_routes_lead_from_host_and_path_to_services() -> None:
    default, shop = seen()["routes"]
    assert (default["host"], default["path"], default["services"], default["source"]) == (
        "",
        "/",
        ["nginx-80"],
        "default",
    )
    assert (shop["host"], shop["path"], shop["strip"], shop["services"]) == (
        "shop.example.com",
        "/api",
        True,
        ["shop-80"],
    )


def test_a_failing_instance_has_consuls_state_and_no_share() -> None:
    ill = replace(instance("nginx-3"), state="critical")
    whole = sight()
    found = document(replace(whole, catalog=Catalog((*whole.catalog.instances, ill))), NOW)
    entry = instances(found, "nginx-80")["nginx-3"]
    assert (entry["state"], entry["share"], entry["listed_since"]) == ("critical", None, None)


def test_an_instance_only_in_nginx_is_kept_or_gone() -> None:
    rest = Catalog((instance("nginx-2", node="app2"),))
    found = instances(seen(catalog=rest, kept=frozenset({("app1", "app1:nginx-1:80")})), "nginx-80")
    assert (found["nginx-1"]["state"], found["nginx-2"]["state"]) == ("kept", "passing")
    assert instances(seen(catalog=rest), "nginx-80")["nginx-1"]["state"] == "gone"


def test_a_retained_instance_of_a_down_node_is_kept() -> None:
    dead = replace(instance("nginx-1"), state="critical", node_alive=False)
    found = seen(catalog=Catalog((dead,)), kept=frozenset({(dead.node, dead.identity)}))
    assert instances(found, "nginx-80")["nginx-1"]["state"] == "kept"


def test_shares_follow_the_weights_that_nginx_has() -> None:
    whole = sight()
    two = [Server(instance("nginx-1"), 9), Server(instance("nginx-2", node="app2"), 1)]
    upstream = Upstream("backends", tuple(two), ("nginx-80",))
    found = instances(document(replace(whole, routing=replace(whole.routing, upstreams=(upstream,))), NOW), "nginx-80")
    assert (found["nginx-1"]["share"], found["nginx-2"]["share"]) == (0.9, 0.1)


def test_a_canary_is_shown_and_a_broken_one_is_not() -> None:
    catalog = sight().catalog

    def canary(value: str) -> Any:
        found = seen(catalog=replace(catalog, keys={"canary/shop-80": value}))
        return {one["name"]: one["canary"] for one in found["services"]}

    assert canary('{"v2": 10}') == {"nginx-80": None, "shop-80": {"v2": 10}}
    for broken in ("no JSON", "7", "null"):
        assert canary(broken)["shop-80"] is None


def test_the_weight_is_nginxs_where_it_lists_the_instance() -> None:
    whole = sight()
    upstream = Upstream("backends", (Server(instance("nginx-1"), 9),), ("nginx-80",))
    found = instances(document(replace(whole, routing=replace(whole.routing, upstreams=(upstream,))), NOW), "nginx-80")
    assert (found["nginx-1"]["weight"], found["nginx-2"]["weight"]) == (9, 1)


def test_a_service_without_instances_or_without_a_route_is_shown_as_such() -> None:
    whole = sight()
    empty = replace(whole.routing, upstreams=(Upstream("backends", (), ("nginx-80",)),))
    found = document(replace(whole, routing=empty, catalog=Catalog((instance("db-1", service="db"),))), NOW)
    assert [(one["name"], one["upstreams"], len(one["instances"])) for one in found["services"]] == [
        ("db", [], 1),
        ("nginx-80", ["backends"], 0),
    ]


def test_consuls_own_service_is_left_out() -> None:
    found = seen(catalog=Catalog((instance("consul", service="consul"),)))
    assert "consul" not in [one["name"] for one in found["services"]]


def test_the_document_is_json() -> None:
    assert json.loads(json.dumps(seen())) == seen()


def test_the_container_is_the_middle_of_a_registrators_id() -> None:
    assert container_of("app1:nginx-1:80") == "nginx-1"
    assert container_of("app1:dns:53:udp") == "dns"
    assert container_of("made-by-hand") is None
    assert container_of("a:b:c") is None


def test_a_front_is_healthy_while_it_serves_and_consul_template_runs() -> None:
    assert (verdict(seen()).well, verdict(seen()).text) == (True, "serves generation 12")
    refused = verdict(seen(problems=(problem("nginx refuses it"),)))
    assert (refused.well, refused.text) == (True, "serves generation 12\nnginx refuses it")
    ended = verdict(seen(consul_template_since=None))
    assert (ended.well, ended.text) == (False, "consul-template does not run")
    assert not verdict(seen(generation=replace(sight().generation, number=0))).well


def test_times_are_utc_whatever_the_zone_of_the_clock() -> None:
    east = ago(3600).astimezone(timezone(timedelta(hours=2)))
    assert seen(started=east)["started"] == "2026-11-26T02:00:00Z"


def test_an_id_that_two_nodes_have_is_kept_of_one_of_them_only() -> None:
    """Ids are unique on a node; only the registrator's are so in a fleet."""
    one, other = (Instance("web-80", "web", node, "10.77.0.5", port) for node, port in (("app1", 1), ("app2", 2)))
    upstream = Upstream("backends", (Server(one, 1), Server(other, 1)), ("web-80",))
    found = seen(catalog=Catalog((other,)), routing=Routing((), (upstream,)), kept=frozenset({("app1", "web")}))
    (service,) = [service for service in found["services"] if service["name"] == "web-80"]
    assert {each["node"]: each["state"] for each in service["instances"]} == {"app1": "kept", "app2": "passing"}


def test_a_stream_is_shown_with_its_service_and_its_instances_get_a_place() -> None:
    db = instance("db-1", service="db-5432")
    upstream = Upstream("db-5432.tcp", (Server(db, 1),), ("db-5432",))
    stream = Stream(Place(5432), "db-5432.tcp", policies=(("deny", "10.0.0.0/8"),))
    found = seen(
        routing=Routing((), (), streams=(stream,), stream_upstreams=(upstream,)),
        catalog=Catalog((db,)),
        counts={db.counted_as: Counts(2, 1, 0.0, 30, 40)},
        opened={open_connections.server(db): 3},
    )
    assert found["streams"] == [
        {
            "port": 5432,
            "protocol": "tcp",
            "server_name": "",
            "upstream": "db-5432.tcp",
            "services": ["db-5432"],
            "source": "metadata",
            "policies": {"deny": "10.0.0.0/8"},
        }
    ]
    (one,) = instances(found, "db-5432").values()
    assert (one["share"], one["requests"], one["received"], one["sent"], one["open"]) == (1.0, 2, 30, 40, 3)
    assert found["generation"]["instances"] == 1


def test_an_instance_with_the_address_of_an_earlier_one_has_neither_its_counts_nor_its_time() -> None:
    """As where Docker gives the address of a container that ended to the next one."""
    earlier = instance("nginx-1")
    later = replace(earlier, identity="app1:nginx-9:80")
    upstream = Upstream("backends", (Server(later, 1),), ("nginx-80",))
    found = seen(
        routing=Routing((), (upstream,)),
        catalog=Catalog((later,)),
        counts={earlier.counted_as: Counts(10)},
        listed={rotation.place(earlier): ago(60)},
    )
    (one,) = instances(found, "nginx-80").values()
    assert (one["requests"], one["listed_since"]) == (0, None)
