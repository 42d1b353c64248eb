"""Which service gets the connections of a port, and what nginx reads of it."""

import json
import re
from typing import Any

import pytest
from front_catalog import complaints, instance, routed, settings
from hypothesis import given
from hypothesis import strategies as st
from nginx_configuration import Directive, parsed

from rollcall.components.template_files import source
from rollcall.contract.policies import streams as stream_policies
from rollcall.contract.service_protocol import MARK_PROTOCOL
from rollcall.contract.stream_metadata import Place
from rollcall.front.inputs import catalog
from rollcall.front.inputs.catalog import Catalog, Instance
from rollcall.front.inputs.settings import DeclaredStream, Listen, Settings
from rollcall.front.routing.candidate import Templates, candidate
from rollcall.front.routing.model import Routing
from rollcall.front.routing.routes import routing
from rollcall.front.routing.sites import render_streams

TEMPLATE = source("front/streams.conf.j2")
PORTS = frozenset({(5432, "tcp"), (53, "udp"), (8443, "tcp")})
ALLOWED = settings(stream_ports=PORTS)
UDP = {MARK_PROTOCOL: "udp"}


def declared(service: str, *places: Place, policies: Any = ()) -> DeclaredStream:
    return DeclaredStream(service, places, tuple(policies))


def given_streams(*streams: DeclaredStream, **more: Any) -> Settings:
    return settings(**{"streams": streams, "stream_ports": PORTS, **more})


def leads(found: Routing) -> dict[str, set[str]]:
    """Return the containers behind each place."""
    upstreams = {upstream.name: upstream for upstream in found.stream_upstreams}
    return {
        str(stream.place): {server.instance.identity.split(":")[1] for server in upstreams[stream.upstream].servers}
        for stream in found.streams
    }


def db(name: str = "db", **meta: Any) -> Instance:
    return instance(name, "db-5432", 5432, **{"virtual_tcp": "5432", **meta})


def test_metadata_gets_a_listed_port() -> None:
    found = routed(db("one"), db("two"), settings=ALLOWED)
    assert leads(found) == {"port 5432/tcp": {"one", "two"}}
    assert complaints(found) == []


@pytest.mark.parametrize("port", [22, 80, 443, 8500, 8511, 5433])
def test_a_port_that_is_not_listed_is_refused_by_name(port: int) -> None:
    found = routed(db(virtual_tcp=str(port)), settings=ALLOWED)
    assert found.streams == ()
    text = f"app1:db:5432 of db-5432 gets no connections of port {port}/tcp: front.stream_ports does not list it"
    assert complaints(found) == [text]


def test_a_port_is_listed_for_tcp_or_udp_and_not_for_both() -> None:
    assert routed(db(virtual_tcp="53"), settings=ALLOWED).streams == ()
    assert routed(instance("dns", "dns-53", 53, virtual_udp="5432", **UDP), settings=ALLOWED).streams == ()


def test_by_default_no_container_opens_a_port() -> None:
    assert routed(db()).streams == ()


def test_a_service_that_fails_keeps_its_port_without_a_server() -> None:
    assert leads(routed(db(state="critical"), settings=ALLOWED)) == {"port 5432/tcp": set()}


def test_two_services_of_one_port_are_told_apart_by_name_and_the_loser_is_named() -> None:
    zebra = instance("zebra", "zebra-1", virtual_tcp="5432")
    found = routed(zebra, db(), settings=ALLOWED)
    assert leads(found) == {"port 5432/tcp": {"db"}}
    text = "port 5432/tcp goes to db-5432 as the name that sorts first; zebra-1 claims port 5432/tcp, too"
    assert complaints(found) == [text]


def test_group_data_wins_and_needs_no_metadata() -> None:
    cache = instance("cache", "cache-6379")
    found = routed(cache, db(), settings=given_streams(declared("cache-6379", Place(5432))))
    assert leads(found) == {"port 5432/tcp": {"cache"}}
    assert complaints(found) == ["port 5432/tcp goes to cache-6379 by group_data; db-5432 claims port 5432/tcp, too"]


def test_a_service_may_ask_for_what_group_data_gives_it() -> None:
    found = routed(db(), settings=given_streams(declared("db-5432", Place(5432)), stream_ports=frozenset()))
    assert leads(found) == {"port 5432/tcp": {"db"}} and complaints(found) == []


def test_a_declared_stream_exists_without_an_instance_and_takes_those_with_its_tag() -> None:
    given_settings = given_streams(declared("v2.db-5432", Place(7000)))
    assert leads(routed(settings=given_settings)) == {"port 7000/tcp": set()}
    new, old = instance("new", "db-5432", tags=("v2",)), instance("old", "db-5432")
    assert leads(routed(new, old, settings=given_settings)) == {"port 7000/tcp": {"new"}}


def test_names_share_a_port_and_a_whole_port_has_no_names() -> None:
    mail = instance("mail", "mail-993", virtual_tls="mail.example.com:8443, www.example.com:8443")
    shop = instance("shop", "shop-443", virtual_tls="shop.example.com:8443, mail.example.com:8443")
    whole = instance("whole", "whole-1", virtual_tcp="8443")
    found = routed(mail, shop, whole, settings=ALLOWED)
    assert leads(found) == {
        "port 8443/tcp for mail.example.com": {"mail"},
        "port 8443/tcp for shop.example.com": {"shop"},
        "port 8443/tcp for www.example.com": {"mail"},
    }
    assert len(complaints(found)) == 2
    assert any("whole-1 claims port 8443/tcp, too" in text for text in complaints(found))


def test_only_udp_services_get_datagrams() -> None:
    dns = instance("dns", "dns-53", 53, virtual_udp="53", **UDP)
    found = routed(dns, db(virtual_udp="53"), settings=ALLOWED)
    assert leads(found)["port 53/udp"] == {"dns"}


def test_a_udp_service_is_never_an_http_upstream() -> None:
    dns = instance("dns", "dns-53", 53, virtual_udp="53", virtual_host="dns.example.com", **UDP)
    found = routed(dns, settings=settings(stream_ports=PORTS, services=("dns-53",)))
    assert dns not in {server.instance for upstream in found.upstreams for server in upstream.servers}
    assert dns in {server.instance for upstream in found.stream_upstreams for server in upstream.servers}


def test_what_asks_for_the_other_transport_is_said() -> None:
    text = "app1:dns:53 of dns-53 takes UDP, so it gets no connections of port 5432/tcp"
    assert complaints(routed(instance("dns", "dns-53", 53, virtual_tcp="5432", **UDP), settings=ALLOWED)) == [text]


def test_most_instances_decide_about_policies() -> None:
    found = routed(db("a", virtual_allow="10.0.0.0/8"), db("b"), db("c", virtual_allow="10.0.0.0/8"), settings=ALLOWED)
    assert leads(found) == {"port 5432/tcp": {"a", "c"}}
    (text,) = complaints(found)
    assert text.startswith("app1:b:5432 of db-5432 gets no connections of port 5432/tcp: most instances have other")


def test_a_bad_value_costs_its_instance_alone() -> None:
    found = routed(db("good"), db("bad", virtual_allow="all"), settings=ALLOWED)
    assert leads(found) == {"port 5432/tcp": {"good"}}
    (text,) = complaints(found)
    assert text.startswith("app1:bad:5432 of db-5432 gets no connections because of its metadata: virtual_allow: got")


def test_a_port_where_the_front_cannot_listen_costs_its_stream_alone() -> None:
    dns = instance("dns", "dns-53", 53, virtual_udp="53", **UDP)
    found = routing(Catalog((db(), dns)), ALLOWED, {Listen("", 5432): "another program has it"})
    assert leads(found) == {"port 53/udp": {"dns"}}
    assert complaints(found) == ["port 5432/tcp leads nowhere: another program has it"]


def test_a_candidate_listens_for_http_and_for_its_streams() -> None:
    dns = instance("dns", "dns-53", 53, virtual_udp="53", **UDP)
    made = candidate(ALLOWED, Templates(source("front/sites.conf.j2"), TEMPLATE), Catalog((db(), dns)), ())
    assert made.listens == {Listen("", 80), Listen("", 443), Listen("", 5432), Listen("", 53, "udp")}
    assert {one.name for one in made.routing.every_upstream if one.servers} == {"db-5432.tcp", "dns-53.udp"}


def rendered(*instances: Instance, settings: Settings = ALLOWED) -> Directive:
    return parsed(render_streams(TEMPLATE, routed(*instances, settings=settings), settings))


def lines(one: Directive) -> list[str]:
    return [" ".join([inner.name, *inner.arguments]) for inner in one.block]


def test_a_stream_is_a_server_and_an_upstream() -> None:
    one = db(address="10.0.0.1", virtual_read_timeout="60", weight=3)
    upstream, server = rendered(one, settings=settings(stream_ports=PORTS, address="10.0.0.9")).block
    assert upstream.arguments == ["db-5432.tcp"]
    assert lines(upstream)[1:] == ["least_conn", "server 10.0.0.1:5432 max_fails=3 fail_timeout=60 weight=3"]
    assert lines(server) == ["listen 10.0.0.9:5432 so_keepalive=on", "proxy_timeout 60s", "proxy_pass db-5432.tcp"]


def test_a_stream_without_an_instance_closes_connections() -> None:
    (server,) = rendered(db(state="critical")).block
    assert lines(server) == ["listen 5432 so_keepalive=on", "return "]


def test_datagrams_have_a_socket_for_each_worker_and_a_short_silence() -> None:
    dns = instance("dns", "dns-53", 53, address="10.0.0.1", virtual_udp="53", **UDP)
    _, server = rendered(dns).block
    assert lines(server) == ["listen 53 udp reuseport", "proxy_timeout 30s", "proxy_pass dns-53.udp"]
    own = instance("dns", "dns-53", 53, address="10.0.0.1", virtual_udp="53", virtual_read_timeout="5", **UDP)
    assert lines(rendered(own).block[1]) == ["listen 53 udp reuseport", "proxy_timeout 5s", "proxy_pass dns-53.udp"]


def test_a_port_of_names_closes_every_other_connection() -> None:
    mail = instance("mail", "mail-993", virtual_tls="mail.example.com:8443")
    _, default, named = rendered(mail).block
    assert lines(default) == ["listen 8443 so_keepalive=on default_server", "ssl_preread on", "return "]
    assert lines(named) == ["listen 8443", "server_name mail.example.com", "ssl_preread on", "proxy_pass mail-993.tcp"]


def test_of_equally_many_the_policies_of_the_first_instance_win_whatever_their_order() -> None:
    one, two = db("a", virtual_allow="10.0.0.0/8"), db("b", virtual_allow="10.1.0.0/16")
    for instances in ((one, two), (two, one)):
        assert leads(routed(*instances, settings=ALLOWED)) == {"port 5432/tcp": {"a"}}


def test_a_request_for_the_other_transport_is_no_complaint_where_another_port_has_it() -> None:
    """As by metadata without a port number, which every port of the container has."""
    dns = instance("dns", "dns-53", 53, virtual_udp="53", virtual_tcp="5432", **UDP)
    found = routed(dns, instance("dns", "dns-54", 54, virtual_udp="53", virtual_tcp="5432"), settings=ALLOWED)
    assert leads(found) == {"port 53/udp": {"dns"}, "port 5432/tcp": {"dns"}} and complaints(found) == []


def test_a_service_whose_name_no_upstream_can_have_gets_nothing() -> None:
    long = instance("db", "d" * 256, 5432, virtual_tcp="5432")
    found = routed(long, settings=ALLOWED)
    assert found.streams == ()
    assert complaints(found)[0].endswith(
        "because of its metadata: SERVICE_NAME: got 256 characters; expected at most 255"
    )


def test_a_port_is_refused_at_the_fronts_own_address() -> None:
    own = settings(stream_ports=PORTS, address="10.0.0.9")
    assert routing(Catalog((db(),)), own, {Listen("10.0.0.9", 5432): "another program has it"}).streams == ()
    assert routing(Catalog((db(),)), own, {Listen("", 5432): "another program has it"}).streams


def test_a_service_that_claims_a_place_twice_contests_nothing_with_itself() -> None:
    declared_too = given_streams(declared("db-5432", Place(5432)))
    assert complaints(routed(db(), settings=declared_too)) == []


def test_the_winner_of_a_name_is_named_and_streams_are_in_the_order_of_their_places() -> None:
    first = instance("a", "a-1", virtual_tls="z.example.com:8443")
    second = instance("b", "b-1", virtual_tls="b.example.com:8443")
    third = instance("c", "c-1", virtual_tls="b.example.com:8443, a.example.com:8443")
    found = routed(first, second, third, db(), settings=ALLOWED)
    assert [str(one.place) for one in found.streams] == [
        "port 5432/tcp",
        "port 8443/tcp for a.example.com",
        "port 8443/tcp for b.example.com",
        "port 8443/tcp for z.example.com",
    ]
    text = "port 8443/tcp for b.example.com goes to b-1 as the name that sorts first; c-1 claims port 8443/tcp for b."
    assert complaints(found)[0].startswith(text)


def test_who_wins_does_not_depend_on_the_order_of_the_catalog() -> None:
    named = instance("mail", "mail-993", virtual_tls="mail.example.com:5432")
    for instances in ((db(), named), (named, db())):
        assert leads(routed(*instances, settings=ALLOWED)) == {"port 5432/tcp": {"db"}}


def test_the_two_transports_of_a_service_without_an_instance_have_upstreams_of_their_own() -> None:
    both = given_streams(declared("dns-53", Place(7000), Place(7000, "udp")))
    assert [one.upstream for one in routed(settings=both).streams] == ["dns-53.tcp", "dns-53.udp"]


def test_a_declared_stream_of_udp_gets_no_instance_of_tcp() -> None:
    udp = instance("udp", "dns-53", 53, **UDP)
    both = given_streams(declared("v2.dns-53", Place(7000)), declared("dns-53", Place(7000, "udp")))
    found = routed(udp, instance("tcp", "dns-53", 53, tags=("v2",)), settings=both)
    assert leads(found) == {"port 7000/tcp": {"tcp"}, "port 7000/udp": {"udp"}}
    assert {one.services for one in found.stream_upstreams} == {("dns-53",)}


def test_by_name_a_limit_decides_where_the_connection_goes() -> None:
    mail = instance("mail", "mail-993", virtual_tls="mail.example.com:8443", virtual_allow="10.0.0.0/8")
    found = rendered(mail)
    assert [len(found.all(kind)) for kind in ("geo", "map")] == [2, 1]
    assert lines(found.all("server")[-1])[-1].startswith("proxy_pass $stream_target_")


PIECES = [*";{}\"'\\$#\n\t */.,:-", "5432", "8443", "53", "mail.example.com", "*.", "listen 22", "\0", "10.0.0.0/8"]
WORDS = st.lists(st.sampled_from(PIECES), max_size=6).map("".join) | st.text(max_size=12)
GOOD = {
    "virtual_tcp": st.sampled_from(["5432", "8443", "22"]),
    "virtual_udp": st.sampled_from(["53", "5432"]),
    "virtual_tls": st.sampled_from(["mail.example.com:8443", "*.example.com:8443, a.example.com:5432"]),
    **{policy.meta: st.just(policy.example) for policy in stream_policies.POLICIES},
}
META = st.fixed_dictionaries({}, optional={key: good | WORDS for key, good in GOOD.items()})
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "service": st.sampled_from(["db-5432", "DB-5432", "mail-993", "a_b"]),
            "id": WORDS,
            "node": WORDS,
            "address": st.sampled_from(["10.0.0.1", "fd00::1", "10.0.0.1;"]),
            "port": st.integers(1, 65535),
            "tags": st.lists(WORDS, max_size=1),
            "meta": st.tuples(META, st.sampled_from([{}, UDP])).map(lambda both: both[0] | both[1]),
            "weight": st.integers(1, 5),
            "checks": st.sampled_from([{"serfHealth": "passing"}, {"x": "critical"}]),
        }
    ),
    max_size=6,
)
OURS = {
    *("upstream", "zone", "least_conn", "server", "listen", "server_name", "ssl_preread", "return", "proxy_pass"),
    *("deny", "allow", "limit_conn", "proxy_connect_timeout", "proxy_timeout", "proxy_protocol"),
}
REPEATED = {"deny", "allow", "server"}


@given(rows=ROWS)
def test_no_registration_can_inject_configuration_or_open_another_port(rows: Any) -> None:
    read = catalog.read(json.dumps({"instances": rows, "unasked": [], "keys": []}))
    given_settings = given_streams(declared("a_b", Place(7000), policies=[("deny", "10.0.0.0/8")]))
    made = routing(read, given_settings)
    found = parsed(render_streams(TEMPLATE, made, given_settings))
    assert {one.name for one in found.block} <= {"upstream", "server", "map", "geo", "limit_conn_zone"}
    endpoints = {one.endpoint for one in read.instances}
    for one in (*found.all("upstream"), *found.all("server")):
        assert {inner.name for inner in one.block} <= OURS
        once = [inner.name for inner in one.block if inner.name not in REPEATED]
        assert len(once) == len(set(once))
        assert {line.arguments[0] for line in one.all("server")} <= endpoints
        words = " ".join(word for inner in one.block for word in inner.arguments)
        assert all(re.fullmatch(r"\$stream_target_[0-9a-f]{16}", word) for word in re.findall(r"\$\w*", words))
    opened = {
        (int(one.one("listen").arguments[0]), "udp" in one.one("listen").arguments) for one in found.all("server")
    }
    assert opened <= {(5432, False), (8443, False), (53, True), (7000, False)}
    names = [upstream.arguments[0].lower() for upstream in found.all("upstream")]
    assert len(names) == len(set(names))
    # nginx refuses a port with two sets of options, or two default servers.
    whole = [one.one("listen").arguments[0] for one in found.all("server") if len(one.one("listen").arguments) > 1]
    assert len(whole) == len(set(whole)) and set(whole) == {str(port) for port, _ in opened}
