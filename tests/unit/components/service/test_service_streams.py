"""Streams of a declared service: what cannot work is one sentence, and what is declared is what a front serves."""

from typing import Any

import pytest
from front_catalog import settings as front_settings
from hypothesis import given, reject
from hypothesis import strategies as st
from own_components import check
from six_hosts import raw_hosts

from rollcall.components import services
from rollcall.config.fleet import Fleet, nowhere
from rollcall.config.front import stream
from rollcall.config.service import Service
from rollcall.contract.policies import streams as policies
from rollcall.contract.policies import table
from rollcall.errors import RollcallError
from rollcall.front.inputs.catalog import Catalog, Instance
from rollcall.front.routing.routes import routing
from rollcall.registrator.docker.container import read_container
from rollcall.registrator.services.services import read_services
from rollcall.registrator.settings import AgentAddress
from rollcall.registrator.settings import Settings as RegistratorSettings

DB: dict[str, Any] = {"name": "db", "image": "postgres:17", "ports": [5432, 6432], "health": {"check": "tcp"}}
LISTED: dict[str, Any] = {"stream_ports": [5432, "8443-8444", "5353/udp"]}


def fleet(*declared: dict[str, Any], front: Any = None, without: str = "") -> Fleet:
    hosts = raw_hosts(services=list(declared), front=LISTED if front is None else front)
    return check("six", [host for host in hosts if host.name != without], "laptop", nowhere)


def names(count: int, length: int = 10) -> list[str]:
    return [f"{'n' * length}{number}.example.com" for number in range(count)]


FAULTS: list[tuple[dict[str, Any], str]] = [
    ({"streams": [{"prot": 5432}]}, "services[0].streams[0].prot: unknown setting; did you mean port?"),
    ({"streams": [{"to": 5432}]}, "services[0].streams[0].port: missing; expected a"),
    ({"streams": [{"port": 0}]}, "services[0].streams[0].port: got 0; expected a"),
    (
        {"streams": [{"port": 5432, "protocol": "udp"}]},
        "streams[0].protocol: got 'udp'; expected \"tcp\"; the ports of",
    ),
    (
        {"streams": [{"port": 5432, "to": 5433}]},
        "streams[0].to: got 5433; expected one of the service's ports: 5432, 6432",
    ),
    ({"streams": [{"port": 5432, "basic_auth": "staff"}]}, "services[0].streams[0].basic_auth: unknown setting"),
    ({"streams": [{"port": 5432, "alow": "10.0.0.0/8"}]}, "streams[0].alow: unknown setting; did you mean allow?"),
    ({"streams": [{"port": 5432, "allow": "all"}]}, "services[0].streams[0].allow: got 'all'; expected networks"),
    (
        {"ports": [], "health": {}, "streams": [{"port": 5432}]},
        "services[0].streams: got it without ports of the service",
    ),
    (
        {"routes": [{"host": "a.example.com"}], "streams": [{"port": 5432}]},
        "services[0].streams[0]: got it for port 5432, which has routes; expected a port without routes; front.streams",
    ),
    (
        {"streams": [{"port": 5432}, {"port": 8443}]},
        "streams[1].port: got 8443, and 5432 for the same port of the service; expected one; front.streams takes more",
    ),
    (
        {"streams": [{"port": 8443, "server_names": ["a.example.com"], "allow": "10.0.0.1"}, {"port": 5432}]},
        "streams[1].allow: got None, and '10.0.0.1/32' in another stream of the same port; expected one for all",
    ),
    (
        {"streams": [{"port": 5432}, {"port": 5432, "to": 6432}]},
        "services[0].streams[1]: got port 5432/tcp a second time; expected each place once",
    ),
    (
        {"streams": [{"port": 8443, "server_names": ["a.example.com", "A.example.com"]}]},
        "services[0].streams[0]: got port 8443/tcp for a.example.com a second time; expected each place once",
    ),
    (
        {"streams": [{"port": 8443, "server_names": ["a.example.com"]}, {"port": 8443, "to": 6432}]},
        "services[0].streams[1]: got port 8443 with and without server_names; expected one of both",
    ),
    (
        {"streams": [{"port": 8443, "server_names": ["a.example.com"], "max_connections": 3}]},
        "services[0].streams[0]: max_connections: got it for a name of TLS; expected it for a whole port",
    ),
    (
        {"streams": [{"port": 8443, "server_names": names(65, 1)}]},
        "services[0].streams[0].server_names: got 65 names of one port in ",
    ),
    (
        {"streams": [{"port": 8443, "server_names": names(20, 20)}]},
        "services[0].streams[0].server_names: got 20 names of one port in 808 bytes; expected at most 64 in 512",
    ),
    (
        {"streams": [{"port": 5432, "deny": [f"10.0.{part}.0/24" for part in range(64)]}]},
        "services[0].streams[0].deny: got 821 bytes; expected at most 512, which Consul holds; front.streams takes",
    ),
    (
        {"streams": [{"port": 6432}]},
        "services[0].streams[0].port: got 6432; expected a port of front.stream_ports (5432, 8443, 8444)",
    ),
]


@pytest.mark.parametrize(("settings", "sentence"), FAULTS)
def test_what_cannot_work_is_one_sentence(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(RollcallError) as refusal:
        fleet({**DB, **settings})
    assert sentence in str(refusal.value)
    assert "\n" not in str(refusal.value)


CACHE = {**DB, "name": "cache", "ports": [6379]}


@pytest.mark.parametrize(
    ("front", "sentence"),
    [
        ({}, "services[0].streams[0].port: got 5432; expected a port of front.stream_ports (none yet)"),
        ({"stream_ports": ["5432/udp"]}, "expected a port of front.stream_ports (none yet)"),
        (
            {**LISTED, "streams": [{"port": 5432, "service": "other"}]},
            "services[0].streams[0]: got port 5432/tcp, and front.streams for other has port 5432/tcp; expected one of",
        ),
        (
            {**LISTED, "streams": [{"port": 5432, "service": "other", "server_names": ["a.example.com"]}]},
            "got port 5432/tcp, and front.streams for other has port 5432/tcp for a.example.com; expected one of them",
        ),
    ],
)
def test_a_front_that_cannot_serve_it_is_named_before_a_deploy(front: Any, sentence: str) -> None:
    with pytest.raises(RollcallError) as refusal:
        fleet({**DB, "streams": [{"port": 5432}]}, front=front)
    assert sentence in str(refusal.value)


def test_two_services_of_one_place_are_told_before_a_deploy() -> None:
    with pytest.raises(RollcallError, match="got port 5432/tcp, and the service cache has port 5432/tcp; expected one"):
        fleet({**DB, "streams": [{"port": 5432}]}, {**CACHE, "streams": [{"port": 5432}]})
    named = [{"port": 8443, "server_names": ["cache.example.com"]}]
    assert fleet({**DB, "streams": [{"port": 8443, "server_names": ["db.example.com"]}]}, {**CACHE, "streams": named})


def test_two_ports_may_have_two_forms_and_a_fleet_may_have_no_front() -> None:
    named = {"port": 8443, "to": 6432, "server_names": ["db.example.com"]}
    assert fleet({**DB, "streams": [{"port": 5432}, named]})
    assert fleet({**DB, "streams": [{"port": 5432}]}, front={}, without="front1")


def test_one_port_has_at_most_so_many_names() -> None:
    short = [f"a{letter}" for letter in "abcdefghijklmnopqrstuvwxyz0123456789"] + [f"b{n}" for n in range(10, 39)]
    streams = [{"port": 9, "server_names": short[:64]}]
    assert fleet({**DB, "streams": streams}, front={"stream_ports": [9]})
    with pytest.raises(RollcallError, match="got 65 names of one port in "):
        fleet({**DB, "streams": [{"port": 9, "server_names": short}]}, front={"stream_ports": [9]})


def test_what_group_data_gives_the_service_needs_no_list() -> None:
    front = {"streams": [{"port": 5432, "service": "db-5432"}]}
    assert fleet({**DB, "streams": [{"port": 5432}]}, front=front)


def test_a_service_without_streams_requests_none() -> None:
    (service,) = fleet(DB).member("app1").settings.services
    assert not any("VIRTUAL" in key for key in services.metadata(service))


def test_a_check_by_tcp_is_the_registrators() -> None:
    (service,) = fleet({**DB, "health": {"check": "tcp", "port": 6432}}).member("app1").settings.services
    assert services.metadata(service)["SERVICE_6432_CHECK_TCP"] == "true"
    with pytest.raises(RollcallError, match=r"health\.path: got it with the check 'tcp', which does not use it"):
        fleet({**DB, "health": {"check": "tcp", "path": "/up"}})


EXAMPLES = {one.key: st.none() | st.just(one.example) for one in policies.POLICIES if one.key != "max_connections"}
NAMES = st.lists(st.sampled_from(["a.example.com", "B.example.com", "*.example.org", "c.example.com"]), max_size=3)
STREAM = st.fixed_dictionaries(
    {"port": st.sampled_from([5432, 8443, 8444]), "server_names": NAMES},
    optional={"to": st.sampled_from([5432, 6432]), "protocol": st.just("tcp")},
)


@given(st.lists(STREAM, max_size=4), st.fixed_dictionaries(EXAMPLES), st.booleans())
def test_a_front_serves_exactly_what_is_declared(declared: Any, common: dict[str, Any], two: bool) -> None:
    own = {**DB, "ports": DB["ports"][: 2 if two else 1], "streams": [{**one, **common} for one in declared]}
    try:
        (service,) = fleet(own).member("app1").settings.services
    except RollcallError:
        # Refused before a deploy; hypothesis fails where hardly anything is left.
        reject()
    ports = frozenset(port for text in LISTED["stream_ports"] for port in stream.ports_of(str(text)))
    found = routing(Catalog(tuple(instances(service))), front_settings(stream_ports=ports))
    assert found.complaints == ()
    upstreams = {one.name: one for one in found.stream_upstreams}
    served = {(one.place, upstreams[one.upstream].servers[0].instance.identity, one.policies) for one in found.streams}
    assert served == {
        (place, f"app1:db-1:{one.to or 5432}", table.ordered(stream.policies(one), policies.POLICIES))
        for one in service.streams
        for place in stream.places(one)
    }


def instances(service: Service) -> list[Instance]:
    """What the registrator makes of a container, as the front reads it."""
    document = {
        "Id": "a" * 64,
        "Name": "/db-1",
        "Config": {"Image": "postgres", "Env": [f"{key}={value}" for key, value in services.metadata(service).items()]},
        "State": {"Running": True, "Status": "running", "StartedAt": "2026-11-28T00:00:00Z"},
        "HostConfig": {"NetworkMode": "bridge"},
        "NetworkSettings": {
            "Networks": {},
            "Ports": {f"{port}/tcp": [{"HostIp": "10.77.0.21", "HostPort": f"2{port}"}] for port in service.ports},
        },
    }
    rule = RegistratorSettings(AgentAddress("consul", "127.0.0.1", 8500), "app1", "10.77.0.21")
    return [
        Instance(one.name, one.id, "app1", "10.77.0.21", one.port, one.tags, tuple(sorted(one.meta.items())))
        for one in read_services(read_container(document), rule).services
    ]
