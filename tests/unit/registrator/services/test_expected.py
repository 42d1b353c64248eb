"""What verify and status expect is what the registrator registers; an oracle reads the contract beside it."""

from dataclasses import replace
from typing import Any

import expected_services as oracle
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollcall.registrator.services.expected import Expected, expected, registrator_settings, settings, virtual_hosts
from rollcall.registrator.services.services import Service
from rollcall.registrator.settings import Settings

ADDRESS = "10.0.0.9"
INTERNAL = settings("app1", ADDRESS, internal=True, tags="")
PUBLISHED = settings("app1", ADDRESS, internal=False, tags="")


def container(
    name: str = "web",
    env: tuple[str, ...] = (),
    labels: dict[str, str] | None = None,
    exposed: tuple[str, ...] = ("80/tcp",),
    published: dict[str, str] | None = None,
    network: str = "bridge",
    status: str = "running",
    bound: str = "0.0.0.0",
    started: str = "",
) -> dict[str, Any]:
    ports = {port: [{"HostIp": bound, "HostPort": outside}] for port, outside in (published or {}).items()}
    return {
        "Id": name.ljust(64, "0"),
        "Name": f"/{name}",
        "State": {"Status": status, "Running": status == "running", "StartedAt": started},
        "Config": {
            "Image": "registry.example/nginx:1.30",
            "Env": list(env),
            "Labels": labels or {},
            "ExposedPorts": {port: {} for port in exposed},
        },
        "HostConfig": {"NetworkMode": network},
        "NetworkSettings": {"Ports": ports, "Networks": {"bridge": {"IPAddress": "172.17.0.5"}}},
    }


def read(*documents: dict[str, Any], rule: Settings = INTERNAL) -> Expected:
    return expected(documents, rule)


def only(document: dict[str, Any], rule: Settings = INTERNAL) -> Service:
    (service,) = read(document, rule=rule).services.values()
    return service


CASES = {
    "published": (container(exposed=("80/tcp", "443/tcp"), published={"80/tcp": "32768"}), PUBLISHED),
    "bound": (container(published={"80/tcp": "32768"}, bound="10.0.0.8"), PUBLISHED),
    "not published": (container(), PUBLISHED),
    "host network": (container(network="host"), INTERNAL),
    "internal": (container(), INTERNAL),
    "several": (container(env=("SERVICE_NAME=shop", "SERVICE_443_NAME=safe"), exposed=("80/tcp", "443/tcp")), INTERNAL),
    "labels": (
        container(
            env=("SERVICE_TAGS=a", "SERVICE_NAME=env"), labels={"SERVICE_NAME": "x", "SERVICE_80_TAGS": "b,c\\,d"}
        ),
        INTERNAL,
    ),
    "udp": (container(exposed=("53/udp",)), INTERNAL),
    "range": (container(env=("SERVICE_8000-8010_NAME=range",), exposed=("8004/tcp",)), INTERNAL),
    "id": (container(env=("SERVICE_80_ID=shop",)), INTERNAL),
    "ignored": (container(env=("SERVICE_IGNORE=true",)), INTERNAL),
    "ignored port": (container(env=("SERVICE_80_IGNORE=yes",)), INTERNAL),
    **{status: (container(status=status), INTERNAL) for status in ("paused", "restarting", "exited", "created")},
}


@pytest.mark.parametrize("case", CASES)
def test_the_oracle_reads_the_contract_alike(case: str) -> None:
    document, rule = CASES[case]
    rules = oracle.Rules("app1", ADDRESS, internal=rule.internal, explicit=False, ip=None, tags="")
    registered = read(document, rule=rule).services.values()
    own = {(service.id, service.name, service.port, frozenset(service.tags)) for service in registered}
    theirs = oracle.services([document], rules)
    assert own == {(service.id, service.name, service.port, service.tags) for service in theirs}
    addresses = {service.address or ADDRESS for service in registered}
    assert addresses <= {address for service in theirs for address in service.addresses}


def test_tags_that_are_templates_are_filled_in() -> None:
    assert only(container(env=("SERVICE_TAGS={{.Config.Image}}",))).tags == ("registry.example/nginx:1.30",)


def test_the_hosts_that_a_container_asks_for() -> None:
    document = container(env=("SERVICE_VIRTUAL_HOST=Shop.example.org, *.shop.example.org",))
    assert virtual_hosts(only(document)) == {"shop.example.org", "*.shop.example.org"}
    assert virtual_hosts(only(container())) == frozenset()


def test_an_id_for_several_containers_is_the_firsts_and_said_in_one_sentence() -> None:
    scaled = [container(f"shop-{number}", ("SERVICE_ID=shop",), started=f"{9 - number}") for number in (1, 2, 3)]
    found = read(*scaled)
    assert {identity: service.container.name for identity, service in found.services.items()} == {"shop": "shop-3"}
    (remark,) = found.remarks
    assert remark.startswith("shop-3 has the id shop, so shop-1, shop-2 cannot be registered under it;")


def test_bad_values_are_remarks_and_what_is_no_service_by_choice_is_none() -> None:
    found = read(
        container("walks", ("SERVICE_80_ID=x/../y",)),
        container("bad", ("SERVICE_CHECK_TTL=soon",)),
        container("quiet", ("SERVICE_IGNORE=1",)),
        container("bare", exposed=()),
    )
    assert list(found.services) == ["app1:walks:80"]
    walks, bad = sorted(found.remarks, reverse=True)
    assert walks.startswith("walks: port 80/tcp: SERVICE_80_ID='x/../y'")
    assert bad.startswith("bad: port 80/tcp: SERVICE_CHECK_TTL='soon'")


def test_a_container_that_lost_its_network_is_no_remark() -> None:
    lost = container()
    lost["NetworkSettings"]["Networks"] = {}
    assert (read(lost).remarks, len(read(lost).losses)) == ((), 1)


def test_a_registrators_settings_are_its_own_command_line() -> None:
    running = {"Args": ["-ip=10.0.0.1", "--tags", "blue", "-cleanup", "consul://127.0.0.1:8500"]}
    found = registrator_settings({**running, "Config": {"Hostname": "other"}}, INTERNAL)
    assert (found.hostname, found.ip, found.tags, found.internal) == ("other", "10.0.0.1", "blue", False)
    assert found.host_address == "10.0.0.1"
    foreign = {"Args": ["--no-such-flag"], "Config": {"Hostname": "other"}}
    assert registrator_settings(foreign, INTERNAL) == replace(INTERNAL, hostname="other")


@given(st.lists(st.sampled_from(["shop", "SHOP", "..", "app1:c1:80", ""]), min_size=1, max_size=5))
def test_every_container_has_a_service_or_a_remark(asked: list[str]) -> None:
    made = [container(f"c{number}", (f"SERVICE_ID={service}",)) for number, service in enumerate(asked)]
    found = read(*made)
    served = {service.container.name for service in found.services.values()}
    assert all(f"c{number}" in served or f"c{number}" in " ".join(found.remarks) for number in range(len(asked)))
    if asked[1:2] in ([""], [".."]):
        assert found.services["app1:c1:80"].container.name == "c1"
