"""Which services containers should have: the contract of shared/registrator.md, seen from the catalog's side."""

from typing import Any

from rollcall.contract.expected_services import Rules, Service, services

PUBLISHED = Rules("app1", "10.0.0.9", internal=False, explicit=False, ip="10.0.0.1", tags="")
INTERNAL = Rules("app1", "10.0.0.9", internal=True, explicit=False, ip=None, tags="")


def container(
    name: str = "web",
    env: tuple[str, ...] = (),
    labels: dict[str, str] | None = None,
    exposed: tuple[str, ...] = ("80/tcp",),
    published: dict[str, str] | None = None,
    network: str = "bridge",
    status: str = "running",
    bound: str = "0.0.0.0",
) -> dict[str, Any]:
    ports = {port: [{"HostIp": bound, "HostPort": outside}] for port, outside in (published or {}).items()}
    return {
        "Name": f"/{name}",
        "State": {"Status": status},
        "Config": {
            "Image": "registry.example/nginx:1.30",
            "Env": list(env),
            "Labels": labels or {},
            "ExposedPorts": {port: {} for port in exposed},
        },
        "HostConfig": {"NetworkMode": network},
        "NetworkSettings": {"Ports": ports, "Networks": {"bridge": {"IPAddress": "172.17.0.5"}}},
    }


def only(document: dict[str, Any], rules: Rules = INTERNAL) -> Service:
    (service,) = services([document], rules)
    return service


def test_published_ports_stand_at_the_hosts_address() -> None:
    service = only(container(exposed=("80/tcp", "443/tcp"), published={"80/tcp": "32768"}), PUBLISHED)
    assert (service.id, service.name) == ("app1:web:80", "nginx")
    assert (service.addresses, service.port) == ({"10.0.0.1"}, 32768)


def test_published_ports_without_ip_stand_where_docker_listens() -> None:
    rules = Rules("app1", "10.0.0.9", internal=False, explicit=False, ip=None, tags="")
    assert only(container(published={"80/tcp": "32768"}), rules).addresses == {"10.0.0.9"}
    assert only(container(published={"80/tcp": "32768"}, bound="10.0.0.8"), rules).addresses == {"10.0.0.8"}


def test_a_container_on_the_hosts_network_stands_at_the_host() -> None:
    service = only(container(network="host"))
    assert (service.addresses, service.port) == ({"10.0.0.9"}, 80)


def test_internal_ports_stand_at_the_containers_address() -> None:
    service = only(container())
    assert (service.addresses, service.port) == ({"172.17.0.5"}, 80)


def test_several_ports_are_told_apart_by_name() -> None:
    document = container(env=("SERVICE_NAME=shop", "SERVICE_443_NAME=safe"), exposed=("80/tcp", "443/tcp"))
    assert {service.name for service in services([document], INTERNAL)} == {"shop-80", "safe"}


def test_labels_win_over_the_environment_and_ports_over_both() -> None:
    document = container(
        env=("SERVICE_TAGS=a", "SERVICE_NAME=env"), labels={"SERVICE_NAME": "label", "SERVICE_80_TAGS": "b,c\\,d"}
    )
    assert only(document).name == "label"
    assert only(document).tags == {"b", "c,d"}


def test_the_hosts_that_a_container_asks_for() -> None:
    document = container(
        env=("SERVICE_VIRTUAL_HOST=Shop.example.org, *.shop.example.org", "SERVICE_443_VIRTUAL_HOST=safe.example.org"),
        exposed=("80/tcp", "443/tcp"),
    )
    assert {service.id: service.hosts for service in services([document], INTERNAL)} == {
        "app1:web:80": {"shop.example.org", "*.shop.example.org"},
        "app1:web:443": {"safe.example.org"},
    }


def test_udp() -> None:
    service = only(container(exposed=("53/udp",)))
    assert service.id == "app1:web:53:udp"
    assert service.tags == {"udp"}


def test_a_range_of_ports() -> None:
    document = container(env=("SERVICE_8000-8010_NAME=range",), exposed=("8004/tcp",))
    assert only(document).name == "range"


def test_what_is_not_registered() -> None:
    ignored = container(env=("SERVICE_IGNORE=true",))
    one_port = container(env=("SERVICE_80_IGNORE=yes",))
    others = [container(status=status) for status in ("paused", "restarting", "exited", "created")]
    assert services([ignored, one_port, *others], INTERNAL) == ()
    assert services([container()], PUBLISHED) == ()
    assert services([container()], Rules("app1", "10.0.0.9", internal=True, explicit=True, ip=None, tags="")) == ()


def test_tags_that_only_the_registrator_can_know() -> None:
    assert only(container(env=("SERVICE_TAGS={{.Config.Image}}",))).tags is None


def test_rules_are_read_from_the_registrators_command_line() -> None:
    registrator = {
        "Args": ["-ip=10.0.0.1", "--tags", "blue", "-resync", "60", "-cleanup", "consul://127.0.0.1:8500"],
        "Config": {"Hostname": "app1"},
    }
    assert Rules.of(registrator, "10.0.0.9") == Rules(
        "app1", "10.0.0.9", internal=False, explicit=False, ip="10.0.0.1", tags="blue"
    )
