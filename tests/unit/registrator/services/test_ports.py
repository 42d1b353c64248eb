"""Which ports become services, and at which address."""

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st
from registrator_documents import ENGINES, container, read, recorded

BOTH = pytest.mark.parametrize("engine", ENGINES)


def where(*arguments: object, **fields: object) -> list[str]:
    reading = read(*arguments, **fields)  # type: ignore[arg-type]
    return [f"{service.address}:{service.port}" for service in reading.services]


@BOTH
def test_internal_registers_every_exposed_port_at_the_containers_address(engine: str) -> None:
    assert where(recorded("published", engine)) == ["172.17.0.4:80", "172.17.0.4:443", "172.17.0.4:8081"]


@BOTH
def test_without_internal_only_ports_published_where_others_reach_them_count(engine: str) -> None:
    made = recorded("published", engine)
    reading = read(made, internal=False, ip="10.77.0.21")
    assert {service.id: (service.address, service.port) for service in reading.services} == {
        "app1:regt-published:443": ("10.77.0.21", 32768),
    }
    loopback, unpublished = sorted(reading.remarks, reverse=True)
    assert unpublished == "not published on the host: 8081/tcp"
    assert loopback == "port 80/tcp: published on 127.0.0.1 only, where no clients of 10.77.0.21 reach it"


@BOTH
@pytest.mark.parametrize("internal", [True, False])
def test_host_network_gives_exposed_ports_at_the_hosts_address(engine: str, internal: bool) -> None:
    made = recorded("host", engine)
    assert where(made, internal=internal, ip="10.77.0.21") == ["10.77.0.21:80", "10.77.0.21:9101"]


@BOTH
def test_on_two_networks_the_one_of_the_network_mode_counts(engine: str) -> None:
    made = recorded("two", engine)
    assert set(where(made)) == {f"{made.networks['regt-net1'].address}:{port}" for port in (53, 80)}


@BOTH
def test_a_borrowed_network_gives_the_lenders_address(engine: str) -> None:
    lender = recorded("two", engine)
    address = lender.networks["regt-net1"].address
    assert where(recorded("borrower", engine), lender) == [f"{address}:80"]


def test_a_borrower_of_the_hosts_network_is_at_the_hosts_address() -> None:
    made = container("80/tcp", mode="container:abc", networks={})
    assert where(made, container(mode="host", networks={}), ip="10.0.0.1") == ["10.0.0.1:80"]


def test_a_borrower_whose_lender_is_gone_is_no_service() -> None:
    reading = read(container("80/tcp", mode="container:abc", networks={}))
    assert reading.services == ()
    assert "no longer exists" in reading.remarks[0]


def test_a_container_without_published_ports_is_ignored_with_a_reason() -> None:
    reading = read(container("80/tcp", "53/udp"), internal=False)
    assert reading.services == ()
    assert reading.remarks == ("not published on the host: 53/udp, 80/tcp",)


def test_a_container_without_ports_is_ignored_with_a_reason() -> None:
    assert read(container()).remarks == ("it exposes no port",)


def test_a_published_port_need_not_be_exposed_by_the_image() -> None:
    made = container(published={"8080/tcp": ("0.0.0.0", 32768)})
    assert where(made, internal=False, ip="10.0.0.1") == ["10.0.0.1:32768"]


EVERYWHERE, LOOPBACK = "0.0.0.0", "127.0.0.1"


@pytest.mark.parametrize(
    ("bindings", "fields", "place"),
    [
        ([(EVERYWHERE, 8080)], {"ip": "10.0.0.1"}, "10.0.0.1:8080"),
        ([("", 8080)], {"ip": "10.0.0.1"}, "10.0.0.1:8080"),
        ([(EVERYWHERE, 8080)], {"host_address": "10.0.0.9"}, "10.0.0.9:8080"),
        ([(EVERYWHERE, 8080)], {}, ":8080"),
        ([("10.0.0.1", 8080)], {"ip": "10.0.0.1"}, "10.0.0.1:8080"),
        # Of several the one that others reach, with its own port.
        ([(LOOPBACK, 5432), (EVERYWHERE, 8080)], {"ip": "10.0.0.1"}, "10.0.0.1:8080"),
        ([("192.168.1.5", 81), ("10.0.0.1", 8080)], {"ip": "10.0.0.1"}, "10.0.0.1:8080"),
        ([("::", 81), (EVERYWHERE, 8080)], {"ip": "10.0.0.1"}, "10.0.0.1:8080"),
        ([("::", 81), (EVERYWHERE, 8080)], {}, ":8080"),
        ([("fd00::5", 81), ("192.168.1.5", 8080)], {"ip": "10.0.0.1"}, "192.168.1.5:8080"),
        ([(EVERYWHERE, 8080), (EVERYWHERE, 8081)], {"ip": "10.0.0.1"}, "10.0.0.1:8080"),
        # On another network: there.
        ([("192.168.1.5", 8080)], {"ip": "10.0.0.1"}, "192.168.1.5:8080"),
        ([("192.168.1.5", 8080)], {}, "192.168.1.5:8080"),
        ([("fd00::5", 8080)], {"ip": "10.0.0.1"}, "fd00::5:8080"),
        # IPv6 hosts, and hosts that are alone.
        ([(EVERYWHERE, 81), ("::", 8080)], {"ip": "fd00::1"}, "fd00::1:8080"),
        ([("fd00:0::1", 8080)], {"ip": "fd00::1"}, "fd00::1:8080"),
        ([("::", 8080)], {}, ":8080"),
        ([("::ffff:10.0.0.1", 8080)], {"ip": "10.0.0.1"}, "10.0.0.1:8080"),
        ([(LOOPBACK, 8080)], {"ip": LOOPBACK}, "127.0.0.1:8080"),
        ([("127.0.0.2", 8080)], {"ip": LOOPBACK}, "127.0.0.2:8080"),
        # Whoever gives the address knows what stands in between.
        ([(EVERYWHERE, 8080)], {"ip": "10.0.0.1", "ip_from_container": True}, "172.17.0.9:8080"),
        ([(LOOPBACK, 8080)], {"ip": "10.0.0.1", "address_label": "at"}, "10.9.8.7:8080"),
        ([(EVERYWHERE, 81), ("10.9.8.7", 8080)], {"ip": "10.0.0.1", "address_label": "at"}, "10.9.8.7:8080"),
    ],
)
def test_a_published_port_is_registered_where_others_reach_it(
    bindings: list[tuple[str, int]], fields: dict[str, object], place: str
) -> None:
    made = container("80/tcp", published={"80/tcp": bindings}, labels={"at": "10.9.8.7/24"})
    assert where(made, internal=False, **fields) == [place]


@pytest.mark.parametrize(
    ("address", "fields"),
    [
        (LOOPBACK, {"ip": "10.0.0.1"}),
        (LOOPBACK, {}),
        ("127.9.9.9", {"ip": "10.0.0.1"}),
        ("::1", {"ip": "fd00::1"}),
        ("::ffff:127.0.0.1", {"ip": "10.0.0.1"}),
        ("::", {"ip": "10.0.0.1"}),
        (EVERYWHERE, {"ip": "fd00::1"}),
        ("fe80::1", {"ip": "10.0.0.1"}),
        ("169.254.169.254", {"ip": "10.0.0.1"}),
        ("nonsense", {"ip": "10.0.0.1"}),
    ],
)
def test_a_port_that_no_other_host_reaches_is_no_service_and_is_said(address: str, fields: dict[str, object]) -> None:
    reading = read(container("80/tcp", published={"80/tcp": (address, 5432)}), internal=False, **fields)
    assert reading.services == ()
    assert f"port 80/tcp: published on {address} only" in reading.remarks[0]
    assert (reading.faults, reading.losses) == ((), ())


def test_an_address_of_another_network_is_said_where_the_hosts_own_is_known() -> None:
    made = container("80/tcp", published={"80/tcp": ("192.168.1.5", 8080)})
    (note,) = read(made, internal=False, ip="10.0.0.1").notes
    assert note == "port 80/tcp: published on 192.168.1.5 alone, which is not this host's address 10.0.0.1"
    assert read(made, internal=False).notes == ()


def test_a_port_that_nobody_reaches_still_counts_for_the_others_names() -> None:
    made = container(published={"80/tcp": (EVERYWHERE, 80), "9090/tcp": (LOOPBACK, 9090)}, env={"SERVICE_NAME": "shop"})
    assert [service.name for service in read(made, internal=False, ip="10.0.0.1").services] == ["shop-80"]


ADDRESSES = st.sampled_from([EVERYWHERE, "", "::", LOOPBACK, "::1", "10.0.0.1", "192.168.1.5", "fd00::1", "fe80::1"])


@given(
    st.lists(st.tuples(ADDRESSES, st.integers(1, 65535)), min_size=1, max_size=5),
    st.sampled_from(["10.0.0.1", "fd00::1", LOOPBACK]),
)
def test_address_and_port_are_of_one_binding_and_nobody_is_sent_to_a_loopback(
    bindings: list[tuple[str, int]], ip: str
) -> None:
    reading = read(container(published={"80/tcp": bindings}), internal=False, ip=ip)
    assert len(reading.services) + len(reading.remarks) == 1
    for service in reading.services:
        chosen = ip_address(service.address)
        assert not chosen.is_unspecified
        assert chosen.is_loopback <= (ip == LOOPBACK)
        everywhere = {4: (EVERYWHERE, ""), 6: ("::",)}[chosen.version] if service.address == ip else ()
        assert any(port == service.port and bound in (service.address, *everywhere) for bound, port in bindings)


@pytest.mark.parametrize(("label", "address"), [("10.9.8.7", "10.9.8.7"), ("10.9.8.7/24", "10.9.8.7")])
def test_the_address_can_stand_in_a_label(label: str, address: str) -> None:
    made = container("80/tcp", labels={"vpn.ip": label})
    assert where(made, address_label="vpn.ip") == [f"{address}:80"]


@pytest.mark.parametrize("label", ["/24", "24", "eth0", "10.9.8", "0.0.0.0", "224.0.0.1", " ", "10.9.8.7 /24"])
def test_a_label_without_an_address_costs_the_service_and_is_named(label: str) -> None:
    reading = read(container("80/tcp", labels={"vpn.ip": label}), address_label="vpn.ip")
    assert reading.services == ()
    assert f"vpn.ip={label!r}" in reading.faults[0]


def test_without_that_label_the_usual_address_counts() -> None:
    assert where(container("80/tcp"), address_label="vpn.ip") == ["172.17.0.9:80"]


def test_several_networks_give_a_predictable_address() -> None:
    one_way = {"zeta": "10.0.0.1", "alpha": "10.0.0.2"}
    other_way = dict(reversed(one_way.items()))
    assert where(container("80/tcp", networks=one_way)) == where(container("80/tcp", networks=other_way))


def test_the_network_mode_counts_before_the_order_of_names() -> None:
    made = container("80/tcp", networks={"alpha": "10.0.0.2", "zeta": "10.0.0.1"}, mode="zeta")
    assert where(made) == ["10.0.0.1:80"]


def test_the_container_can_choose_its_network() -> None:
    networks = {"alpha": "10.0.0.2", "zeta": "10.0.0.1"}
    made = container("80/tcp", networks=networks, mode="alpha", env={"SERVICE_NETWORK": "zeta"})
    assert where(made) == ["10.0.0.1:80"]


def test_a_network_that_it_is_not_on_costs_nothing_and_is_said() -> None:
    """The key may be another program's."""
    reading = read(container("80/tcp", env={"SERVICE_NETWORK": "zeta"}))
    assert [service.address for service in reading.services] == ["172.17.0.9"]
    assert "SERVICE_NETWORK='zeta'" in reading.notes[0]
    assert "bridge" in reading.notes[0]


def test_a_network_mode_may_be_an_id() -> None:
    made = container("80/tcp", mode="f" * 64)
    assert where(made) == ["172.17.0.9:80"]


def test_a_container_that_wants_no_network_is_no_service_and_no_loss() -> None:
    reading = read(container("80/tcp", mode="none", networks={}))
    assert (reading.services, reading.losses, reading.faults) == ((), (), ())
    assert reading.remarks == ("port 80/tcp: its network mode is none",)


def test_a_container_that_lost_its_network_is_a_loss() -> None:
    reading = read(container("80/tcp", networks={}))
    assert "no address of its own" in reading.losses[0]


def test_a_container_with_ipv6_only() -> None:
    networks = {"six": {"IPAddress": "", "GlobalIPv6Address": "fd00::9"}}
    made = container("80/tcp", mode="six", NetworkSettings={"Networks": networks})
    assert where(made) == ["fd00::9:80"]


def test_udp_counts_and_sctp_does_not() -> None:
    reading = read(container("53/udp", "99/sctp"))
    assert [service.id for service in reading.services] == ["app1:web-1:53:udp"]
    assert reading.remarks == ("port 99/sctp is neither TCP nor UDP",)
