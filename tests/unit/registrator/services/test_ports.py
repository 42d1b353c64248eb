"""Which ports become services, and at which address."""

import pytest
from registrator_documents import ENGINES, container, read, recorded

BOTH = pytest.mark.parametrize("engine", ENGINES)


def where(*arguments: object, **fields: object) -> list[str]:
    reading = read(*arguments, **fields)  # type: ignore[arg-type]
    return [f"{service.address}:{service.port}" for service in reading.services]


@BOTH
def test_internal_registers_every_exposed_port_at_the_containers_address(engine: str) -> None:
    assert where(recorded("published", engine)) == ["172.17.0.4:80", "172.17.0.4:443", "172.17.0.4:8081"]


@BOTH
def test_without_internal_only_published_ports_count(engine: str) -> None:
    made = recorded("published", engine)
    reading = read(made, internal=False, ip="10.77.0.21")
    ports = {str(port): bindings[0].port for port, bindings in made.published.items() if bindings}
    assert {service.id: (service.address, service.port) for service in reading.services} == {
        "app1:regt-published:80": ("10.77.0.21", ports["80/tcp"]),
        "app1:regt-published:443": ("10.77.0.21", ports["443/tcp"]),
    }
    assert reading.remarks == ("not published on the host: 8081/tcp",)


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
@pytest.mark.parametrize("internal", [True, False])
def test_a_borrowed_network_gives_the_lenders_address(engine: str, internal: bool) -> None:
    lender = recorded("two", engine)
    address = lender.networks["regt-net1"].address
    assert where(recorded("borrower", engine), lender, internal=internal) == [f"{address}:80"]


def test_a_borrower_of_the_hosts_network_is_at_the_hosts_address() -> None:
    made = container("80/tcp", mode="container:abc", networks={})
    assert where(made, container(mode="host", networks={}), ip="10.0.0.1") == ["10.0.0.1:80"]


def test_a_borrower_whose_lender_is_gone_is_no_service() -> None:
    reading = read(container("80/tcp", mode="container:abc", networks={}))
    assert reading.services == ()
    assert "does not exist any more" in reading.remarks[0]


def test_a_container_without_published_ports_is_ignored_with_a_reason() -> None:
    reading = read(container("80/tcp", "53/udp"), internal=False)
    assert reading.services == ()
    assert reading.remarks == ("not published on the host: 53/udp, 80/tcp",)


def test_a_container_without_ports_is_ignored_with_a_reason() -> None:
    assert read(container()).remarks == ("it exposes no port",)


def test_a_published_port_need_not_be_exposed_by_the_image() -> None:
    made = container(published={"8080/tcp": ("0.0.0.0", 32768)})
    assert where(made, internal=False, ip="10.0.0.1") == ["10.0.0.1:32768"]


@pytest.mark.parametrize(
    ("binding", "fields", "address"),
    [
        ("0.0.0.0", {"ip": "10.0.0.1"}, "10.0.0.1"),
        ("192.168.1.5", {"ip": "10.0.0.1"}, "10.0.0.1"),
        ("192.168.1.5", {"host_address": "10.0.0.9"}, "192.168.1.5"),
        ("0.0.0.0", {"host_address": "10.0.0.9"}, "10.0.0.9"),
        ("::", {"host_address": "10.0.0.9"}, "10.0.0.9"),
        ("", {"host_address": "10.0.0.9"}, "10.0.0.9"),
        ("0.0.0.0", {}, ""),
        ("0.0.0.0", {"ip": "10.0.0.1", "ip_from_container": True}, "172.17.0.9"),
    ],
)
def test_the_address_of_a_published_port(binding: str, fields: dict[str, object], address: str) -> None:
    made = container("80/tcp", published={"80/tcp": (binding, 32768)})
    assert where(made, internal=False, **fields) == [f"{address}:32768"]


@pytest.mark.parametrize(("label", "address"), [("10.9.8.7", "10.9.8.7"), ("10.9.8.7/24", "10.9.8.7")])
def test_the_address_can_stand_in_a_label(label: str, address: str) -> None:
    made = container("80/tcp", labels={"vpn.ip": label})
    assert where(made, address_label="vpn.ip") == [f"{address}:80"]


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


def test_choosing_a_network_that_it_is_not_on_is_told() -> None:
    reading = read(container("80/tcp", env={"SERVICE_NETWORK": "zeta"}))
    assert reading.services == ()
    assert "SERVICE_NETWORK='zeta'" in reading.remarks[0]
    assert "bridge" in reading.remarks[0]


def test_a_network_mode_may_be_an_id() -> None:
    made = container("80/tcp", mode="f" * 64)
    assert where(made) == ["172.17.0.9:80"]


def test_a_container_without_network_is_no_service() -> None:
    reading = read(container("80/tcp", mode="none", networks={}))
    assert reading.services == ()
    assert "no address of its own" in reading.remarks[0]


def test_a_container_with_ipv6_only() -> None:
    networks = {"six": {"IPAddress": "", "GlobalIPv6Address": "fd00::9"}}
    made = container("80/tcp", mode="six", NetworkSettings={"Networks": networks})
    assert where(made) == ["fd00::9:80"]


def test_udp_counts_and_sctp_does_not() -> None:
    reading = read(container("53/udp", "99/sctp"))
    assert [service.id for service in reading.services] == ["app1:web-1:53:udp"]
    assert reading.remarks == ("port 99/sctp is neither TCP nor UDP",)
