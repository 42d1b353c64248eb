"""The text of sites.conf, by the catalog and Consul's keys."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from front_catalog import SETTINGS, declared, instance, settings
from hypothesis import given
from hypothesis import strategies as st
from nginx_configuration import Directive, parsed

from rollcall.components.template_files import source
from rollcall.contract import route_metadata
from rollcall.contract.policies import forwarding, table
from rollcall.front.inputs import catalog
from rollcall.front.inputs.catalog import Catalog, Instance
from rollcall.front.inputs.settings import Settings
from rollcall.front.routing import sites
from rollcall.front.routing.routes import routing

SHOP = "shop.example.com"
TEMPLATE = source("front/sites.conf.j2")


def text(*instances: Instance, keys: dict[str, str] | None = None, settings: Settings = SETTINGS) -> str:
    return sites.render(TEMPLATE, routing(Catalog(instances, keys or {}), settings), settings)


def rendered(*instances: Instance, **more: Any) -> Directive:
    return parsed(text(*instances, **more))


def upstream(found: Directive, name: str = "backends") -> Directive:
    (one,) = [upstream for upstream in found.all("upstream") if upstream.arguments == [name]]
    return one


def server(found: Directive, host: str) -> Directive:
    (one,) = [server for server in found.all("server") if server.value("server_name") == host]
    return one


def location(found: Directive, host: str, *path: str) -> Directive:
    (one,) = [location for location in server(found, host).all("location") if location.arguments == [*path]]
    return one


def listens(one: Directive) -> list[str]:
    return [" ".join(listen.arguments) for listen in one.all("listen")]


def test_an_instance_is_one_server_line() -> None:
    one = instance("nginx", "nginx-80", address="10.0.0.1", weight=2)
    found = text(one, settings=settings(max_fails=5, fail_timeout=7))
    assert "    server 10.0.0.1:80 max_fails=5 fail_timeout=7 weight=2;\n" in found
    backends = upstream(parsed(found))
    assert backends.all("least_conn") and backends.value("keepalive") == "32"


def test_an_upstream_without_instances_has_a_server_that_refuses() -> None:
    assert upstream(rendered()).value("server") == "127.0.0.1:65535"


@pytest.mark.parametrize(("servers", "needs"), [(1, 32), (10, 32), (100, 104), (1000, 864), (5000, 4264)])
def test_the_upstreams_zone_holds_their_servers(servers: int, needs: int) -> None:
    """Measured with nginx 1.30.6 and IPv6 addresses, in KiB."""
    many = [instance("c", "nginx-80", address=f"10.1.{n // 256}.{n % 256}", node=f"n{n}") for n in range(servers)]
    name, size = upstream(rendered(*many)).one("zone").arguments
    assert name == "instances" and needs <= int(size.removesuffix("k")) <= 2 * needs + 64


def test_all_upstreams_share_one_zone_which_holds_them() -> None:
    """Measured with nginx 1.30.6: 1,000 upstreams of one server each take 1,024 KiB."""
    shops = [instance("c", f"shop-{n}", virtual_host=f"shop-{n}.example.com") for n in range(1000)]
    zones = {tuple(one.one("zone").arguments) for one in rendered(*shops).all("upstream")}
    (zone,) = zones
    assert zone[0] == "instances" and 2 * 1024 <= int(zone[1].removesuffix("k")) <= 4 * 1024


def test_a_canarys_upstream_uses_round_robin() -> None:
    found = rendered(instance("a", "nginx-80"), keys={"canary/nginx-80": '{"v2": 10}'})
    assert upstream(found).all("least_conn") == []


@pytest.mark.parametrize(("address", "at"), [("", ""), ("127.0.0.1", "127.0.0.1:")])
def test_every_site_listens_on_both_ports_and_one_is_the_default(address: str, at: str) -> None:
    shop, nginx = instance("one", virtual_host=SHOP), instance("nginx", "nginx-80")
    found = rendered(shop, nginx, settings=settings(address=address))
    assert listens(server(found, "www.example.com")) == [f"{at}80 default_server", f"{at}443 ssl default_server"]
    assert listens(server(found, SHOP)) == [f"{at}80", f"{at}443 ssl"]


@pytest.mark.parametrize(
    ("given_settings", "target", "for_good"),
    [
        ({"redirect": True}, "https://$host$request_uri", True),
        ({"redirect": True, "https_port": 8443}, "https://$host:8443$request_uri", False),
        ({"redirect": 8443}, "https://$host:8443$request_uri", False),
        ({"redirect": 443, "https_port": 8443}, "https://$host$request_uri", True),
    ],
)
def test_a_redirect_goes_to_the_public_https_port(given_settings: Any, target: str, for_good: bool) -> None:
    """Browsers may remember it (HSTS) only with the port that they try by default."""
    found = rendered(instance("one", virtual_host=SHOP), settings=settings(**given_settings))
    plain, *by_tls = found.all("server")
    assert listens(plain) == ["80 default_server"] and plain.value("return") == f"301 {target}"
    assert not [listen for one in by_tls for listen in listens(one) if " ssl" not in listen]
    remembered = [one.all("add_header")[0].arguments for one in by_tls if one.all("add_header")]
    assert remembered == ([["Strict-Transport-Security", "max-age=63072000", "always"]] * 2 if for_good else [])
    assert plain.all("add_header") == []


def test_behind_a_proxy_that_ends_tls_a_site_redirects_only_who_came_by_http() -> None:
    """A redirect of the whole plain port would send its visitors round in circles."""
    found = rendered(instance("one", virtual_host=SHOP), settings=settings(redirect=True, proxied=True))
    assert len(found.all("server")) == 2
    for one in found.all("server"):
        assert [listen.split()[0] for listen in listens(one)] == ["80", "443"]
        redirect = one.one("if")
        assert redirect.arguments == ["($must_use_https)"]
        assert redirect.value("return") == "301 https://$host$request_uri"
        assert one.value("add_header") == "Strict-Transport-Security $strict_transport always"


def test_the_proxy_protocol_is_expected_on_both_ports() -> None:
    found = rendered(instance("one", virtual_host=SHOP), settings=settings(proxied=True, proxy_protocol=True))
    assert listens(server(found, SHOP)) == ["80 proxy_protocol", "443 ssl proxy_protocol"]


def test_without_the_setting_there_is_no_redirect() -> None:
    assert "return 301" not in text() and "Strict-Transport" not in text()


def test_a_path_matches_whole_segments_only() -> None:
    found = rendered(instance("one", virtual_host=SHOP, virtual_path="/api"))
    paths = [location.arguments for location in server(found, SHOP).all("location")]
    assert paths == [["^~", "/!rollcall/"], ["=", "/api"], ["/api/"], ["/"]]
    assert location(found, SHOP, "/").value("return") == "404"
    assert location(found, SHOP, "/api/").value("proxy_pass") == "http://shop-80.http"


def test_a_stripped_prefix_is_sent_in_a_header() -> None:
    found = rendered(instance("one", virtual_host=SHOP, virtual_path="/api", virtual_strip="1"))
    for path in (["=", "/api"], ["/api/"]):
        one = location(found, SHOP, *path)
        assert one.value("proxy_pass") == "http://shop-80.http/"
        assert one.value("set") == "$forwarded_prefix /api"


def test_a_prefix_of_grpc_is_stripped_by_a_rewrite() -> None:
    said = {"virtual_path": "/a.b", "virtual_strip": "1", "virtual_proto": "grpc"}
    found = rendered(instance("one", virtual_host=SHOP, **said))
    assert location(found, SHOP, "/a.b/").value("rewrite") == r"(?s)^/a\.b/(.*)$ /$1 break"
    assert location(found, SHOP, "=", "/a.b").value("rewrite") == r"(?s)^/a\.b(.*)$ /$1 break"


@pytest.mark.parametrize(
    ("protocol", "directive"), [("http", "proxy"), ("https", "proxy"), ("grpc", "grpc"), ("grpcs", "grpc")]
)
@pytest.mark.parametrize(("host", "name"), [(SHOP, SHOP), ("*.example.org", "$host")])
def test_each_protocol_has_its_directive_and_tls_its_name(protocol: str, directive: str, host: str, name: str) -> None:
    one = location(rendered(instance("one", virtual_host=host, virtual_proto=protocol)), host, "/")
    assert one.value(f"{directive}_pass") == f"{protocol}://shop-80.{protocol}"
    names = [" ".join(found.arguments) for found in one.all(f"{directive}_ssl_name")]
    assert names == ([name] if protocol.endswith("s") else [])


def test_a_grpc_stream_may_be_silent_for_the_read_timeout() -> None:
    found = rendered(instance("one", virtual_host=SHOP, virtual_proto="grpc"), settings=settings(read_timeout=300))
    assert location(found, SHOP, "/").value("client_body_timeout") == "300s"


def test_a_route_can_turn_buffering_off() -> None:
    found = rendered(
        instance("one", virtual_host=SHOP, virtual_buffering="off"),
        instance("two", "b-80", virtual_host="b.example.com"),
    )
    assert location(found, SHOP, "/").value("proxy_buffering") == "off"
    assert location(found, "b.example.com", "/").all("proxy_buffering") == []


def maintenance(sentence: str) -> Directive:
    return location(rendered(instance("one", virtual_host=SHOP), keys={f"maintenance/{SHOP}": sentence}), SHOP, "/")


def sentence_of(one: Directive) -> str:
    (found,) = [given.arguments[1] for given in one.all("set") if given.arguments[0] == "$maintenance_sentence"]
    return found


def test_a_maintenance_page_sets_retry_after() -> None:
    one = maintenance("Back at five.")
    assert sentence_of(one) == "Back at five." and one.value("return") == "503"
    assert one.all("proxy_pass") == []
    page = server(rendered(instance("one", virtual_host=SHOP)), SHOP).all("location")[0]
    assert ["Retry-After", "$retry_after", "always"] in [header.arguments for header in page.all("add_header")]


def test_every_site_has_the_pages_that_nginx_makes() -> None:
    pages = [
        ["404", "/!rollcall/404.html"],
        ["502", "504", "/!rollcall/502.html"],
        ["503", "/!rollcall/maintenance.html"],
    ]
    found = rendered(instance("one", virtual_host=SHOP))
    assert [page.arguments for page in found.all("error_page")] == pages
    for one in found.all("server"):
        place = one.all("location")[0]
        assert place.arguments == ["^~", "/!rollcall/"] and place.all("internal")


def test_no_route_can_have_the_place_of_the_pages() -> None:
    """Two locations of one path would be refused by nginx, for all sites."""
    found = rendered(instance("one", virtual_host=SHOP), instance("two", virtual_host=SHOP, virtual_path="/!rollcall"))
    assert "/!rollcall" not in [word for place in server(found, SHOP).all("location") for word in place.arguments]


def test_an_empty_text_gets_the_default_sentence() -> None:
    assert sentence_of(maintenance("")).startswith("This site is being worked on.")


def test_a_sentence_is_escaped_for_nginx_and_browsers() -> None:
    said = sentence_of(maintenance("a \"b\" 'c' $host ${host} <b>&amp;</b> \\ {};\n# ü €"))
    assert not set("\"'$<>\\{};#\n") & set(re.sub("&#[0-9]+;", "", said))
    shown = re.sub("&#([0-9]+);", lambda found: chr(int(found[1])), said)
    assert shown == "a \"b\" 'c' $host ${host} <b>&amp;</b> \\ {}; # ü €"


def test_unprintable_characters_are_left_out() -> None:
    assert sentence_of(maintenance("a\0\x1b\u202eb")) == "ab"


@pytest.mark.parametrize("sentence", ["€" * 5000, "<" * 5000, "\N{GRINNING FACE}" * 5000, "x " * 5000])
def test_a_long_sentence_is_cut_to_what_nginx_accepts(sentence: str) -> None:
    assert sentence_of(maintenance(sentence)).endswith("…")


PIECES = [
    *";{}\"'\\$#\n\r\t */.,<&%",
    "\N{GRINNING FACE}",
    "a",
    "7",
    SHOP,
    "/api",
    "*.",
    "server",
    "include /x",
    "\0",
    "${host}",
]
WORDS = st.lists(st.sampled_from(PIECES), max_size=8).map("".join) | st.text(max_size=20)
KEYS = st.sampled_from([*route_metadata.KEYS, "weight", "virtual_alow"])
# Values that policies understand, alone and with something hostile in them.
EXAMPLES = st.sampled_from([policy.example for policy in table.POLICIES])
VALUES = WORDS | EXAMPLES | st.tuples(EXAMPLES, WORDS).map("".join) | st.tuples(WORDS, EXAMPLES).map(" ".join)
META = st.dictionaries(KEYS, VALUES, max_size=4) | st.sets(st.sampled_from(table.POLICIES), max_size=6).map(
    lambda policies: {policy.meta: policy.example for policy in policies}
)
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "service": st.sampled_from(["shop-80", "Shop-80", "nginx-80", "a_b", "backends"]),
            "id": WORDS,
            "node": WORDS,
            "address": WORDS | st.sampled_from(["10.0.0.1", "fd00::1", "fe80::1%;"]),
            "port": st.integers(-1, 70000),
            "tags": st.lists(WORDS, max_size=2),
            "meta": META.map(lambda meta: {"virtual_host": SHOP, **meta}),
            "weight": st.integers(-1, 5),
            "checks": st.just({"serfHealth": "passing"}),
        }
    ),
    max_size=5,
)
PREFIXES = st.sampled_from(["", "canary/shop-80", "canary/", "maintenance/", f"maintenance/{SHOP}", "maintenance/_"])
PAIRS = st.lists(st.fixed_dictionaries({"key": st.tuples(PREFIXES, WORDS).map("".join), "value": WORDS}), max_size=4)
# The directives of the template itself.
OURS = {
    *("upstream", "zone", "least_conn", "server", "keepalive", "keepalive_timeout", "listen", "server_name"),
    *("location", "proxy_pass", "grpc_pass", "proxy_ssl_name", "grpc_ssl_name", "proxy_buffering", "set", "rewrite"),
    *("client_body_timeout", "add_header", "return", "internal", "alias", "ssi", "ssi_silent_errors", "if", "sticky"),
    # Of the policies.
    *("client_max_body_size", "proxy_buffer_size", "proxy_buffers", "grpc_buffer_size", "gzip", "error_page"),
    *(f"{module}_{what}" for module in ("proxy", "grpc") for what in ("connect_timeout", "read_timeout")),
    *(f"{module}_{what}" for module in ("proxy", "grpc") for what in ("send_timeout", "next_upstream")),
    *(f"{module}_{what}" for module in ("proxy", "grpc") for what in ("set_header", "hide_header")),
    *("deny", "allow", "auth_basic", "auth_basic_user_file", "auth_request", "auth_request_set", "limit_req"),
    *("limit_conn", "proxy_pass_request_body", "ssl_certificate", "ssl_certificate_key"),
}
VARIABLES = {"$forwarded_prefix", "$1", "$", "$host", "$maintenance_sentence", "$retry_after", "$visitor_scheme"}
VARIABLES |= {"$is_request_port", "$request_port", "$request_uri", "$wanted_url", "$sticky_secure"}
VARIABLES |= set(
    re.findall(r"\$\w+", " ".join((*forwarding.lines("proxy"), *forwarding.lines("proxy", forwarding.SIGN_IN))))
)
# nginx refuses any other that comes twice in one block, and with it the whole configuration.
REPEATED = {
    "add_header",
    "if",
    "location",
    "deny",
    "allow",
    "auth_request_set",
    "error_page",
    "set",
    "server",
    "listen",
}
REPEATED |= {f"{module}_{what}_header" for module in ("proxy", "grpc") for what in ("set", "hide")}
OF_A_ROUTE = re.compile(
    r"\$((cors|preflight)_[0-9a-f]{16}(_[a-z]+)?|auth_[0-9a-f]{16}_[a-z0-9_]+|upstream_http_(x|remote)_[a-z0-9_]+)"
)


def everything(one: Directive) -> Iterator[Directive]:
    for inner in one.block:
        yield inner
        yield from everything(inner)


@given(rows=ROWS, pairs=PAIRS)
def test_no_registration_can_inject_configuration(rows: Any, pairs: Any) -> None:
    read = catalog.read(json.dumps({"instances": rows, "unasked": [], "keys": pairs}))
    given_settings = settings(declared("a_b", "declared.example.com", path="/x", strip=True, protocol="grpc"))
    found = parsed(sites.render(TEMPLATE, routing(read, given_settings), given_settings))
    top = {"upstream", "server", "error_page", "map", "limit_req_zone", "limit_conn_zone", "js_import", "js_set"}
    assert {directive.name for directive in found.block} <= top
    assert max(len(list(found.all(name))) for name in ("js_import", "js_set")) <= 1
    endpoints = {instance.endpoint for instance in read.instances} | {"127.0.0.1:65535"}
    for one in (*found.all("upstream"), *found.all("server")):
        inside = list(everything(one))
        assert {directive.name for directive in inside} <= OURS
        for block in (one, *inside):
            once = [directive.name for directive in block.block if directive.name not in REPEATED]
            assert len(once) == len(set(once))
        assert {line.arguments[0] for line in one.all("server")} <= endpoints
        variables = {word for directive in inside for word in re.findall(r"\$\w*", " ".join(directive.arguments))}
        assert {name for name in variables - VARIABLES if not OF_A_ROUTE.fullmatch(name)} == set()
    names = [upstream.arguments[0].lower() for upstream in found.all("upstream")]
    assert len(names) == len(set(names))
    for server in found.all("server"):
        paths = [tuple(location.arguments) for location in server.all("location")]
        assert len(paths) == len(set(paths))


def test_a_default_site_without_services_is_a_404_for_every_name() -> None:
    shop = instance("one", virtual_host="www.example.com")
    found = rendered(shop, settings=settings(services=()))
    assert location(found, "_", "/").value("return") == "404"
    assert [at for at in listens(server(found, "_")) if "default_server" in at] == listens(server(found, "_"))
    assert not any("default_server" in at for at in listens(server(found, "www.example.com")))
    assert location(found, "www.example.com", "/").value("proxy_pass") == "http://shop-80.http"
