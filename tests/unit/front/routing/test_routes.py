"""Which requests go to which instances, by what containers, group_data and Consul's keys say."""

import random

import pytest
from front_catalog import complaints, declared, instance, location, places, routed, served_by, settings, upstream

SHOP = "shop.example.com"


def test_the_default_site_is_the_fronts_own_services() -> None:
    found = routed(
        instance("web", "webserver-80", tags=("http",)),
        instance("untagged", "webserver-80"),
        instance("nginx", "nginx-80"),
        instance("other", "mail-25"),
    )
    assert served_by(found, "") == {"web": 1, "nginx": 1}
    assert upstream(found, "").name == "backends"
    assert places(found) == {("", "/")} and complaints(found) == []


def test_nobody_there_is_a_default_site_all_the_same() -> None:
    assert served_by(routed(), "") == {}


def test_a_container_is_reached_where_it_says() -> None:
    found = routed(instance("one", virtual_host=f"{SHOP}, *.shop.example.org  Blog.example.com"))
    assert places(found) == {("", "/"), (SHOP, "/"), ("*.shop.example.org", "/"), ("blog.example.com", "/")}
    assert served_by(found, SHOP) == served_by(found, "blog.example.com") == {"one": 1}
    assert location(found, SHOP).upstream == location(found, "blog.example.com").upstream
    assert served_by(found, "") == {}


def test_a_path_and_how_it_is_passed_on() -> None:
    said = {"virtual_path": "/api/", "virtual_strip": "Yes", "virtual_proto": "grpcs", "virtual_buffering": "off"}
    one = location(routed(instance("one", virtual_host=SHOP, **said)), SHOP, "/api")
    assert (one.protocol, one.strip, one.buffering, one.source) == ("grpcs", True, False, "metadata")


def test_the_longest_path_comes_first() -> None:
    paths = ["/", "/api", "/api/v2", "/b"]
    found = routed(*(instance(f"c{n}", f"s{n}", virtual_host=SHOP, virtual_path=path) for n, path in enumerate(paths)))
    (site,) = [site for site in found.sites if site.host == SHOP]
    assert [one.path for one in site.locations] == ["/api/v2", "/api", "/b", "/"]


def test_the_fronts_own_name_is_the_default_site() -> None:
    found = routed(instance("one", virtual_host="WWW.example.com", virtual_path="/api"), instance("nginx", "nginx-80"))
    assert places(found) == {("", "/"), ("", "/api")}


def test_a_default_site_without_an_instance_takes_no_name_from_a_service_that_exists() -> None:
    shop = instance("one", virtual_host="www.example.com")
    found = routed(shop)
    assert served_by(found, "www.example.com") == {"one": 1}
    assert served_by(found, "") == {}
    assert (found.server_name, complaints(found)) == ("", [])
    back = routed(shop, instance("nginx", "nginx-80", state="critical"))
    assert (back.server_name, served_by(back, "")) == ("www.example.com", {})
    assert len(complaints(back)) == 1


def test_a_declared_route_at_the_fronts_own_name_is_the_default_site() -> None:
    route = declared("shop-80", "www.example.com")
    assert served_by(routed(instance("one"), settings=settings(route, services=())), "") == {"one": 1}


def test_the_default_sites_maintenance_page_is_for_its_name_whoever_has_that() -> None:
    shop = instance("one", virtual_host="www.example.com")
    for key in ("maintenance/_", "maintenance/www.example.com"):
        assert location(routed(shop, keys={key: "Back at noon."}), "www.example.com").maintenance == "Back at noon."


def test_without_services_the_default_site_has_no_place_and_its_name_is_free() -> None:
    none = settings(services=())
    assert places(routed(settings=none)) == set()
    shop = instance("one", virtual_host="www.example.com")
    assert places(routed(shop, settings=none)) == {("www.example.com", "/")}


@pytest.mark.parametrize("state", ["critical", "warning", "maintenance"])
def test_who_does_not_pass_gets_no_requests_and_its_host_stays_its_own(state: str) -> None:
    found = routed(instance("one", virtual_host=SHOP, state=state), instance("nginx", "nginx-80"))
    assert served_by(found, SHOP) == {}
    assert served_by(found, "") == {"nginx": 1}


def test_one_address_registered_twice_is_one_server() -> None:
    found = routed(*(instance(name, "nginx-80", address="10.0.0.9") for name in ("one", "again")))
    assert len(upstream(found, "").servers) == 1


def test_a_route_of_group_data() -> None:
    route = declared("v2.grafana-3000", "Grafana.example.com", path="/graphs/", strip=True, buffering=False)
    found = routed(
        instance("one", "grafana-3000", tags=("v2",)), instance("two", "grafana-3000"), settings=settings(route)
    )
    assert served_by(found, "grafana.example.com", "/graphs") == {"one": 1}
    one = location(found, "grafana.example.com", "/graphs")
    assert (one.strip, one.buffering, one.source) == (True, False, "declared")


def test_a_route_of_group_data_is_there_before_its_service() -> None:
    found = routed(settings=settings(declared("grafana-3000", "grafana.example.com")))
    assert served_by(found, "grafana.example.com") == {}


def test_of_two_services_that_want_one_route_the_first_by_name_has_it() -> None:
    two = [instance("z", "zebra-80", virtual_host=SHOP), instance("a", "ape-80", virtual_host=SHOP)]
    other = instance("b", "blog-80", virtual_host="blog.example.com")
    found = routed(*two, other)
    assert served_by(found, SHOP) == {"a": 1} and served_by(found, "blog.example.com") == {"b": 1}
    assert complaints(found) == [
        "shop.example.com/ goes to ape-80 as the name that sorts first, and not to zebra-80, which wants it too"
    ]


def test_group_data_has_precedence_over_metadata() -> None:
    found = routed(
        instance("a", "ape-80", virtual_host=SHOP),
        instance("z", "zebra-80"),
        settings=settings(declared("zebra-80", SHOP)),
    )
    assert served_by(found, SHOP) == {"z": 1}
    assert complaints(found) == [
        "shop.example.com/ goes to zebra-80 by group_data, and not to ape-80, which wants it too"
    ]


def test_no_container_takes_the_default_site() -> None:
    found = routed(instance("a", "ape-80", virtual_host="www.example.com"), instance("n", "nginx-80"))
    assert served_by(found, "") == {"n": 1}
    assert complaints(found) == [
        "the default site / goes to webserver-80 and nginx-80 by group_data, and not to ape-80, which wants it too"
    ]


def test_group_data_may_give_the_default_site_to_another_service() -> None:
    found = routed(instance("a", "ape-80"), settings=settings(declared("ape-80", "www.example.com")))
    assert served_by(found, "") == {"a": 1} and complaints(found) == []


@pytest.mark.parametrize("service", ["shop-80", "nginx-80"])
def test_who_says_what_is_decided_already_is_in_no_conflict(service: str) -> None:
    host = "www.example.com" if service == "nginx-80" else SHOP
    found = routed(instance("one", service, virtual_host=host), settings=settings(declared("shop-80", SHOP)))
    assert complaints(found) == []


def test_the_same_two_declared_is_a_conflict() -> None:
    found = routed(settings=settings(declared("b-80", SHOP), declared("a-80", SHOP)))
    assert complaints(found) == ["shop.example.com/ goes to a-80 by group_data, and not to b-80, which wants it too"]


@pytest.mark.parametrize(
    ("said", "right"),
    [
        ({"virtual_host": "a b;c"}, "virtual_host: got 'b;c'; expected host names such as"),
        ({"virtual_host": "shop.*.com"}, "virtual_host: got 'shop.*.com'; expected"),
        ({"virtual_host": "x" * 64}, "virtual_host: got 'xxxx"),
        ({"virtual_host": SHOP, "virtual_path": "api"}, "virtual_path: got 'api'; expected a path such as \"/api\""),
        ({"virtual_host": SHOP, "virtual_path": "/a//b"}, "virtual_path: got '/a//b'; expected"),
        ({"virtual_host": SHOP, "virtual_path": "/a/../b"}, "virtual_path: got '/a/../b'; expected"),
        ({"virtual_host": SHOP, "virtual_path": "/ä"}, "virtual_path: got '/ä'; expected"),
        (
            {"virtual_host": SHOP, "virtual_proto": "ftp"},
            "virtual_proto: got 'ftp'; expected http, https, grpc or grpcs",
        ),
        ({"virtual_host": SHOP, "virtual_strip": "maybe"}, "virtual_strip: got 'maybe'; expected true or false"),
        ({"virtual_host": SHOP, "virtual_buffering": "x"}, "virtual_buffering: got 'x'; expected true or false"),
        ({"virtual_path": "/api"}, "virtual_path: got no virtual_host beside it; expected both"),
    ],
)
def test_a_bad_value_costs_its_own_instance_only_and_is_named(said: dict[str, str], right: str) -> None:
    found = routed(instance("bad", **said), instance("good", virtual_host=SHOP))
    assert served_by(found, SHOP) == {"good": 1}
    (text,) = complaints(found)
    assert text.startswith(f"app1:bad:80 of shop-80 gets no requests by its metadata: {right}")


def test_an_instance_of_another_mind_than_most_is_left_out_and_named() -> None:
    found = routed(
        instance("a", virtual_host=SHOP, virtual_proto="https"),
        instance("b", virtual_host=SHOP),
        instance("c", virtual_host=SHOP),
    )
    assert served_by(found, SHOP) == {"b": 1, "c": 1} and location(found, SHOP).protocol == "http"
    assert complaints(found) == [
        "app1:a:80 of shop-80 gets no requests of shop.example.com/: most instances say http, prefix kept, "
        "buffering on; expected the same for all"
    ]


def test_of_as_many_of_either_mind_the_first_id_decides() -> None:
    found = routed(instance("b", virtual_host=SHOP, virtual_proto="https"), instance("a", virtual_host=SHOP))
    assert served_by(found, SHOP) == {"a": 1}


def test_a_weight_is_the_containers_else_the_registrations_else_the_fronts() -> None:
    found = routed(
        instance("own", "nginx-80", weight=7, weight_of_consul=5),
        instance("registered", "nginx-80", weight_of_consul=5),
        instance("plain", "nginx-80"),
        settings=settings(weight=2),
    )
    assert served_by(found, "") == {"own": 7, "registered": 5, "plain": 2}


@pytest.mark.parametrize("bad", ["0", "1001", "-1", "3.5", "many", "٣"])
def test_a_bad_weight_is_named_and_its_instance_serves_as_others_do(bad: str) -> None:
    found = routed(instance("one", "nginx-80", weight=bad))
    assert served_by(found, "") == {"one": 1}
    (text,) = complaints(found)
    assert text == (
        f"app1:one:80 of nginx-80 has the weight 1 instead of its own: weight: got {bad!r}; "
        "expected an integer from 1 to 1000"
    )


def test_services_whose_names_differ_in_case_alone_have_upstreams_of_different_names() -> None:
    """nginx takes the one for the other, and refuses a configuration that has both."""
    found = routed(
        instance("a", "Shop-80", virtual_host="a.example.com"), instance("b", "shop-80", virtual_host="b.example.com")
    )
    names = [one.name.lower() for one in found.upstreams]
    assert len(set(names)) == len(names) == 3


def test_by_tls_each_host_has_connections_of_its_own() -> None:
    found = routed(instance("one", virtual_host="a.example.com b.example.com", virtual_proto="https"))
    assert location(found, "a.example.com").upstream != location(found, "b.example.com").upstream


def test_what_is_served_does_not_depend_on_the_order_of_registration() -> None:
    all_of_them = [
        instance(
            f"c{number}",
            f"s{number % 3}",
            virtual_host=[SHOP, "a.example.com"][number % 2],
            virtual_proto=["http", "https", "grpc"][number % 3],
            weight=number,
        )
        for number in range(12)
    ]
    all_of_them += [instance(name, "nginx-80", address="10.0.0.9", weight=ord(name)) for name in "ab"]
    expected = routed(*all_of_them)
    for seed in range(5):
        random.Random(seed).shuffle(all_of_them)
        assert routed(*all_of_them) == expected


def test_a_canary_gets_its_percentage_and_the_rest_what_is_left() -> None:
    found = routed(
        *(instance(f"old{number}", virtual_host=SHOP) for number in range(3)),
        instance("new", virtual_host=SHOP, tags=("v2",)),
        keys={"canary/shop-80": '{"v2": 10}'},
    )
    assert served_by(found, SHOP) == {"old0": 3, "old1": 3, "old2": 3, "new": 1}
    assert upstream(found, SHOP).exact and not upstream(found, "").exact


def test_a_canary_is_one_of_its_service_and_changes_no_other() -> None:
    found = routed(
        instance("web", "webserver-80", tags=("http",)),
        instance("web2", "webserver-80", tags=("http", "v2")),
        instance("nginx1", "nginx-80"),
        instance("nginx2", "nginx-80"),
        instance("nginx3", "nginx-80", weight=4),
        keys={"canary/webserver-80": '{"v2": 25}'},
    )
    assert served_by(found, "") == {"web": 3, "web2": 1, "nginx1": 2, "nginx2": 2, "nginx3": 8}


def test_a_canarys_share_is_exact_however_it_divides() -> None:
    old, new = instance("old", virtual_host=SHOP), instance("new", virtual_host=SHOP, tags=("v2",))
    weights = served_by(routed(old, new, keys={"canary/shop-80": '{"v2": 28.5}'}), SHOP)
    assert weights["new"] / sum(weights.values()) == pytest.approx(0.285, rel=0.005)


def test_who_has_a_share_of_nought_is_no_server() -> None:
    old, new = instance("old", virtual_host=SHOP), instance("new", virtual_host=SHOP, tags=("v2",))
    assert served_by(routed(old, new, keys={"canary/shop-80": '{"v2": 0}'}), SHOP) == {"old": 1}
    assert served_by(routed(old, new, keys={"canary/shop-80": '{"v2": 100}'}), SHOP) == {"new": 1}


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        ({"canary/shop-80": "v2 = 10"}, "is no JSON; expected JSON such as"),
        ({"canary/shp-80": '{"v2": 10}'}, "is for a service that is not registered"),
        ({"maintenance/shop.example.com/x": ""}, "is for a host and path that no service asks for; its page is shown"),
        ({"maintenance/_/x": ""}, "is for a host and path that no service asks for; its page is shown"),
        ({"maintenance/shop.example.com/a//b": ""}, "names no host and path; expected one such as"),
        ({f"maintenance/{'a.' * 127}b": ""}, "names no host and path; expected one such as"),
        ({"maintenance/a b": ""}, "names no host and path; expected one such as"),
    ],
)
def test_a_key_that_means_nothing_is_named(keys: dict[str, str], text: str) -> None:
    (name,) = keys
    found = routed(instance("one", virtual_host=SHOP), keys=keys)
    assert [one.startswith(f"Consul's key rollcall/front/{name} {text}") for one in complaints(found)] == [True]
    assert served_by(found, SHOP) == {"one": 1}


def test_a_maintenance_page_is_its_own_routes_only() -> None:
    found = routed(
        instance("one", virtual_host=SHOP),
        instance("two", "api-80", virtual_host=SHOP, virtual_path="/api"),
        keys={"maintenance/shop.example.com/api": "Back at five."},
    )
    assert location(found, SHOP, "/api").maintenance == "Back at five."
    assert location(found, SHOP).maintenance is location(found, "").maintenance is None


def test_a_maintenance_page_is_shown_also_while_nobody_is_registered() -> None:
    found = routed(keys={"maintenance/shop.example.com": "Back at five.", "maintenance/b.example.com/x": ""})
    one = location(found, SHOP)
    assert (one.maintenance, one.upstream) == ("Back at five.", "")
    assert places(found) == {("", "/"), (SHOP, "/"), ("b.example.com", "/x")}


@pytest.mark.parametrize("key", ["maintenance/_", "maintenance/www.example.com", "maintenance/WWW.example.com"])
def test_a_maintenance_page_of_the_default_site(key: str) -> None:
    assert location(routed(keys={key: ""}), "").maintenance == ""


def test_a_name_too_long_for_nginx_costs_its_own_service_only() -> None:
    """nginx takes no word of more than 4 KB, and with one it would take nothing else either."""
    long = "s" * 5000
    found = routed(
        instance("one", long, virtual_host=SHOP), instance("two", "blog-80", virtual_host="blog.example.com")
    )
    assert places(found) == {("", "/"), ("blog.example.com", "/")}
    (complaint,) = complaints(found)
    assert "gets no requests by its metadata: SERVICE_NAME: got 5000 characters" in complaint
    assert len(complaint) < 400
