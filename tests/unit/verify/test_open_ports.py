"""Compare the table of open ports with the listeners of a host."""

from typing import Any

import pytest
from own_components import COMPONENTS
from six_hosts import checked

from rollcall.config.fleet import Fleet
from rollcall.config.project import CHECKOUT
from rollcall.verify.listeners import Listener
from rollcall.verify.open_ports import differences, markdown, opened

BRIDGE, OTHER = "172.17.0.1", "172.18.0.1"
HERE = ("127.0.0.1", BRIDGE)


def listening(member: str, address: str) -> set[Listener]:
    """Return the listeners of a client's containers."""
    both = ("tcp", "udp")
    return {
        *(Listener(protocol, address, 8301, "consul") for protocol in both),
        *(Listener("tcp", at, 8501, "consul") for at in (address, "127.0.0.1")),
        *(Listener("tcp", at, 8500, "consul") for at in HERE),
        *(Listener(protocol, "127.0.0.1", 8600, "consul") for protocol in both),
        *(Listener(protocol, at, 53, "dns") for protocol in both for at in (BRIDGE, OTHER)),
        Listener("tcp", "127.0.0.1", 8510, "registrator"),
    }


APP = listening("app1", "10.77.0.21")


FRONT = {
    *(Listener("tcp", "", port, "front") for port in (80, 443)),
    Listener("tcp", "127.0.0.1", 8511, "front"),
}


def found(fleet: Fleet, host: str, ours: set[Listener]) -> list[str]:
    member = fleet.member(host)
    return differences(member, opened(fleet, member, COMPONENTS), BRIDGE, (BRIDGE, OTHER), ours)


def test_a_host_with_exactly_its_ports_passes(fleet: Fleet) -> None:
    backends = {Listener("tcp", "10.77.0.21", port, "webserver-1") for port in (22000, 29999)}
    assert found(fleet, "app1", APP | backends) == []


def test_a_front_and_a_server_open_more_ports(fleet: Fleet) -> None:
    assert found(fleet, "front1", listening("front1", "10.77.0.31") | FRONT) == []
    server = listening("consul1", "10.77.0.11") | {Listener("tcp", "10.77.0.11", 8300, "consul")}
    assert found(fleet, "consul1", server) == []


def test_a_declared_stream_is_always_open_and_a_containers_may_be() -> None:
    fleet = checked(front={"streams": [{"port": 5432, "service": "db-5432"}], "stream_ports": ["5353/udp", 9000]})
    base = listening("front1", "10.77.0.31") | FRONT
    stream = Listener("tcp", "", 5432, "front")
    assert found(fleet, "front1", base) == [
        "nothing listens on every address, port 5432/tcp (a stream of front.streams)"
    ]
    assert found(fleet, "front1", base | {stream}) == []
    assert found(fleet, "front1", base | {stream, Listener("udp", "", 5353, "front")}) == []
    (extra,) = found(fleet, "front1", base | {stream, Listener("tcp", "", 5353, "front")})
    assert extra.startswith("front listens on every address, port 5353/tcp, which is not in the table")


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (Listener("tcp", "", 8500, "consul"), "consul listens on every address, port 8500/tcp"),
        (Listener("tcp", "10.77.0.21", 8600, "consul"), "consul listens on 10.77.0.21, port 8600/tcp"),
        (Listener("tcp", BRIDGE, 8600, "consul"), "consul listens on 172.17.0.1, port 8600/tcp"),
        (Listener("udp", "10.77.0.21", 53, "dns"), "dns listens on 10.77.0.21, port 53/udp"),
        (Listener("tcp", "10.77.0.21", 8300, "consul"), "consul listens on 10.77.0.21, port 8300/tcp"),
        (Listener("udp", "10.77.0.21", 22000, "webserver-1"), "webserver-1 listens on 10.77.0.21, port 22000/udp"),
        (Listener("tcp", "10.77.0.21", 21999, "nginx-1"), "nginx-1 listens on 10.77.0.21, port 21999/tcp"),
    ],
)
def test_a_listener_outside_the_table_is_found(fleet: Fleet, more: Listener, sentence: str) -> None:
    assert found(fleet, "app1", APP | {more}) == [f"{sentence}, which is not in the table of open ports"]


@pytest.mark.parametrize(("protocol", "port", "problems"), [("udp", 34970, 0), ("udp", 53, 1), ("tcp", 34970, 1)])
def test_the_resolvers_own_queries_are_no_open_ports(fleet: Fleet, protocol: str, port: int, problems: int) -> None:
    assert len(found(fleet, "app1", APP | {Listener(protocol, "", port, "dns")})) == problems


def test_a_new_network_needs_no_listener_yet(fleet: Fleet) -> None:
    assert found(fleet, "app1", {one for one in APP if one.address != OTHER}) == []


def test_only_ports_at_bridges_may_use_link_local_addresses(fleet: Fleet) -> None:
    address = "fe80::42:b6ff:fe93:e5a6"
    assert found(fleet, "app1", APP | {Listener("udp", address, 53, "dns")}) == []
    assert found(fleet, "app1", APP | {Listener("tcp", address, 8500, "consul")}) != []


def test_a_port_without_a_listener_is_found(fleet: Fleet) -> None:
    less = APP - {Listener("udp", BRIDGE, 53, "dns")}
    assert found(fleet, "app1", less) == [
        "nothing listens on 172.17.0.1, port 53/udp (DNS: Consul's names and all others)"
    ]


@pytest.mark.parametrize(
    ("settings", "more"),
    [
        ({"consul": {"extra": {"ports": {"grpc": 8502}}}}, Listener("tcp", "127.0.0.1", 8502, "consul")),
        ({"consul": {"extra": {"client_addr": "0.0.0.0"}}}, Listener("tcp", "", 8500, "consul")),
    ],
)
def test_a_user_may_move_consuls_ports(settings: dict[str, Any], more: Listener) -> None:
    assert found(checked(**settings), "app1", APP | {more}) == []


def test_settings_move_ports() -> None:
    fleet = checked(front={"address": "10.77.0.31", "http_port": 8080}, dns={"enabled": False})
    ports = {one.ports[0] for one in opened(fleet, fleet.member("front1"), COMPONENTS)}
    assert {8080, 443} < ports
    assert not {80, 53} & ports
    front = {Listener("tcp", "10.77.0.31", port, "front") for port in (8080, 443)}
    front.add(Listener("tcp", "127.0.0.1", 8511, "front"))
    own = {one for one in listening("front1", "10.77.0.31") if one.container != "dns"}
    assert found(fleet, "front1", own | front) == []


@pytest.mark.parametrize(
    ("status", "listener"),
    [
        ("10.77.0.31:9000", {Listener("tcp", "10.77.0.31", 9000, "front")}),
        ("0.0.0.0:9000", {Listener("tcp", "", 9000, "front")}),
        ("off", set()),
    ],
)
def test_a_user_may_move_the_fronts_status(status: str, listener: set[Listener]) -> None:
    sites = {one for one in FRONT if one.port != 8511}
    fleet = checked(front={"status": status})
    assert found(fleet, "front1", listening("front1", "10.77.0.31") | sites | listener) == []


def test_the_docs_have_the_table() -> None:
    assert markdown() in (CHECKOUT / "docs" / "security.md").read_text()


def test_everything_on_one_host_passes(single: Fleet) -> None:
    ours = listening("@local", "127.0.0.1") | {Listener("tcp", "127.0.0.1", 8300, "consul")}
    assert found(single, "@local", ours | FRONT) == []
