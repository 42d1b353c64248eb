"""What the checks of the catalog report as failures, and what as remarks."""

from types import SimpleNamespace
from typing import Any

import pytest
from registrator_documents import WEB
from six_hosts import checked

from rollcall.registrator.services.expected import Expected, expected, settings
from rollcall.verify.catalog import Instance
from rollcall.verify.check_error import CheckError
from rollcall.verify.checks import test_catalog as checks

FLEET = checked()
MEMBER = FLEET.member("app1")
RULE = settings("app1", MEMBER.address, internal=True, tags="")


def document(name: str, *env: str) -> dict[str, Any]:
    config = {**WEB["Config"], "ExposedPorts": {"80/tcp": {}}, "Env": ["SERVICE_NAME=web", *env]}
    return {**WEB, "Id": name.ljust(64, "0"), "Name": f"/{name}", "Config": config, "State": {"Status": "running"}}


def instance(identity: str, service: str = "web", *tags: str, registrator: str = "app1") -> Instance:
    return Instance(identity, service, "app1", "172.17.0.9", 80, frozenset(tags), True, registrator=registrator)


class Cluster:
    """One host, what runs there, and a catalog."""

    members = (MEMBER,)
    source = "lab.py"
    # Long ago: whatever is wrong is looked at twice, without a wait.
    begun = 0.0

    def __init__(self, documents: list[dict[str, Any]], *instances: Instance, names: tuple[str, ...] = ()) -> None:
        self._documents, self._instances = documents, instances
        agent = SimpleNamespace(
            catalog=SimpleNamespace(
                services=lambda: (0, {name: [] for name in ("consul", *names)}), service=lambda _: (0, [])
            )
        )
        self.catalog = SimpleNamespace(
            instances=lambda: self._instances, any_agent=lambda: agent, drained_nodes=frozenset
        )

    def expected(self, _: object) -> Expected:
        return expected(self._documents, RULE)

    def registrator(self, _: object) -> object:
        return RULE

    def probe_containers(self) -> None:
        """Nothing changes."""

    def command_line(self, host: str, command: str) -> str:
        return f"{host}: {command}"


def remarks(cluster: Cluster) -> list[str]:
    said: list[str] = []
    checks.test_ids(cluster, lambda _: None, said.append)  # type: ignore[arg-type]
    return said


def test_a_containers_own_id_is_neither_a_failure_nor_a_remark() -> None:
    cluster = Cluster([document("web-1", "SERVICE_ID=shop")], instance("shop"))
    said: list[str] = []
    checks.test_running_containers_and_no_others(cluster, said.append)  # type: ignore[arg-type]
    checks.test_names_addresses_and_tags(cluster, said.append)  # type: ignore[arg-type]
    assert "1 containers, 1 services" in said[0]
    assert remarks(cluster) == []


def test_unusable_metadata_is_a_remark_and_not_a_failure() -> None:
    documents = [
        document("walks", "SERVICE_80_ID=x/../app1:web-1:80", "SERVICE_TAGS=a.b"),
        document("shop-1", "SERVICE_ID=shop"),
        document("shop-2", "SERVICE_ID=shop"),
        document("bad", "SERVICE_CHECK_TTL=soon"),
        document("odd", "SERVICE_NAME=my_shop"),
    ]
    found = [
        instance("app1:walks:80", "web", "a.b"),
        instance("shop"),
        instance("app1:odd:80", "my_shop"),
        instance("by-hand", "Web", registrator=""),
    ]
    cluster = Cluster(documents, *found, names=("web", "my_shop", "a/../b"))
    checks.test_running_containers_and_no_others(cluster, lambda _: None)  # type: ignore[arg-type]
    said = "\n".join(remarks(cluster))
    for sentence in (
        "app1: walks: port 80/tcp: SERVICE_80_ID='x/../app1:web-1:80'",
        "app1: bad: port 80/tcp: SERVICE_CHECK_TTL='soon'",
        "app1: odd: port 80/tcp: the name 'my_shop' works over HTTP only",
        "app1: shop-1 has the id shop, so shop-2 cannot be registered under it",
        "no request can carry the name of the service 'a/../b' of another tool",
        "the names Web and web are the same to Consul and DNS",
        "DNS cannot carry 1 tags, such as a.b",
    ):
        assert sentence in said


def test_missing_and_extra_registrations_fail() -> None:
    lost = document("web-2")
    lost["NetworkSettings"] = {"Ports": {}, "Networks": {}}
    cluster = Cluster([document("web-1"), lost], instance("shop"))
    with pytest.raises(CheckError) as raised:
        checks.test_running_containers_and_no_others(cluster, lambda _: None)  # type: ignore[arg-type]
    first, second, third = raised.value.found
    assert first == "app1: app1:web-1:80 runs, but is not in the catalog"
    assert second.startswith("app1: web-2: port 80/tcp: network mode=")
    assert third == "app1: shop is in the catalog, but its container does not run"
