"""verify's check of streams: a missing or wrong instance is a fault, what a container may not have is a remark."""

from typing import Any

import pytest
from registrator_documents import WEB
from six_hosts import checked

from rollcall.contract.stream_metadata import Place
from rollcall.registrator.services.expected import Expected, expected, settings
from rollcall.verify.catalog import Instance
from rollcall.verify.check_error import CheckError
from rollcall.verify.checks import test_streams as checks
from rollcall.verify.nginx_streams import Streams

ONE, TWO = "10.77.0.21:20001", "10.77.0.21:20002"
DB = "SERVICE_NAME=db SERVICE_80_VIRTUAL_TCP=5432"
TLS = "SERVICE_NAME=mail SERVICE_80_VIRTUAL_TLS=mail.example.com:5432"
DECLARED: dict[str, Any] = {"streams": [{"port": 7000, "service": "db"}]}
LISTED: dict[str, Any] = {"stream_ports": [5432]}


def instance(name: str, service: str = "db", **more: Any) -> Instance:
    values = {"passing": True, **more}
    return Instance(f"app1:{name}:80", service, "app1", "10.77.0.21", 20000 + len(name), frozenset(), **values)


class Catalog:
    def __init__(self, instances: tuple[Instance, ...]) -> None:
        self._instances = instances
        self.keys: dict[str, str] = {}

    def instances(self) -> tuple[Instance, ...]:
        return self._instances

    def front_keys(self) -> dict[str, str]:
        return self.keys


class Cluster:
    """One front, and the containers of app1 by name with their environment."""

    source = "lab.py"
    # Long ago: whatever is wrong is looked at twice, without a wait.
    begun = 0.0

    def __init__(self, served: Streams, *instances: Instance, front: Any, containers: dict[str, str]) -> None:
        fleet = checked(front=front)
        self.fronts = (fleet.member("front1"),)
        self.members = (fleet.member("app1"), fleet.member("front1"))
        self.catalog = Catalog(instances)
        self._served, self._containers = served, containers

    def nginx_streams(self, _front: object) -> Streams:
        return self._served

    def probe_containers(self) -> None:
        """Nothing changes."""

    def expected(self, member: Any) -> Expected:
        rule = settings("app1", member.address, internal=True, tags="")
        containers = self._containers if member is self.members[0] else {}
        return expected([container(name, *env.split()) for name, env in containers.items()], rule)

    def command_line(self, host: str, command: str) -> str:
        return f"{host}: {command}"


def container(name: str, *env: str) -> dict[str, Any]:
    config = {**WEB["Config"], "ExposedPorts": {"80/tcp": {}}, "Env": [*env]}
    return {**WEB, "Id": name.ljust(64, "0"), "Name": f"/{name}", "Config": config, "State": {"Status": "running"}}


def checked_streams(
    served: Streams, *instances: Instance, front: Any, containers: dict[str, str] | None = None, keys: Any = ()
) -> tuple[list[str], list[str]]:
    """Return what the check says, and its remarks."""
    cluster: Any = Cluster(served, *instances, front=front, containers=containers or {})
    cluster.catalog.keys = dict.fromkeys(keys, "v2=0")
    said: list[str] = []
    remarks: list[str] = []
    checks.test_streams(cluster, said.append, remarks.append)
    return said, remarks


def faults(served: Streams, *instances: Instance, **more: Any) -> list[str]:
    with pytest.raises(CheckError) as raised:
        checked_streams(served, *instances, **more)
    return list(raised.value.found)


def test_a_declared_stream_leads_to_exactly_the_passing_instances() -> None:
    both = (instance("a"), instance("bb"))
    assert checked_streams({Place(7000): frozenset({ONE, TWO})}, *both, front=DECLARED) == (
        ["front1 has 1 streams, to 2 instances"],
        [],
    )
    assert faults({Place(7000): frozenset({ONE})}, *both, front=DECLARED) == [
        f"front1: port 7000/tcp does not lead to {TWO}, which passes"
    ]
    drained = (instance("a"), instance("bb", passing=False))
    assert faults({Place(7000): frozenset({ONE, TWO})}, *drained, front=DECLARED) == [
        f"front1: port 7000/tcp should not lead to {TWO}"
    ]


def test_a_declared_stream_that_nginx_does_not_have_is_a_fault_even_without_an_instance() -> None:
    assert faults({}, front=DECLARED) == ["front1: nginx does not have port 7000/tcp"]
    assert checked_streams({Place(7000): frozenset()}, front=DECLARED)[0] == ["front1 has 1 streams, to 0 instances"]


def test_only_instances_of_the_streams_transport_count() -> None:
    front = {"streams": [{"port": 7000, "service": "db", "protocol": "udp"}]}
    both = (instance("a"), instance("bb", udp=True))
    assert checked_streams({Place(7000, "udp"): frozenset({TWO})}, *both, front=front)[1] == []


def test_in_a_canary_an_instance_may_get_no_connections() -> None:
    both = (instance("a"), instance("bb"))
    served = {Place(7000): frozenset({ONE})}
    assert checked_streams(served, *both, front=DECLARED, keys=["canary/db"])[1] == []
    claimed = {"a": DB, "bb": DB}
    served = {Place(5432): frozenset({ONE})}
    assert checked_streams(served, *both, front=LISTED, containers=claimed, keys=["canary/db"])[1] == []


def test_a_claimed_stream_leads_to_its_container() -> None:
    one = instance("a")
    assert checked_streams({Place(5432): frozenset({ONE})}, one, front=LISTED, containers={"a": DB}) == (
        ["front1 has 1 streams, to 1 instances"],
        [],
    )
    missing = faults({Place(5432): frozenset()}, one, front=LISTED, containers={"a": DB})
    assert missing == [f"front1: port 5432/tcp does not lead to {ONE}, which passes"]
    assert faults({}, one, front=LISTED, containers={"a": DB}) == ["front1: nginx does not have port 5432/tcp"]
    stranger = faults({Place(5432): frozenset({ONE, "10.0.0.9:1"})}, one, front=LISTED, containers={"a": DB})
    assert stranger == ["front1: port 5432/tcp should not lead to 10.0.0.9:1"]


def test_an_instance_of_another_tool_may_be_in_rotation() -> None:
    served = {Place(5432): frozenset({ONE, TWO})}
    assert checked_streams(served, instance("a"), instance("bb"), front=LISTED, containers={"a": DB})[1] == []


def test_a_container_that_does_not_pass_is_no_fault() -> None:
    said, _ = checked_streams({}, instance("a", passing=False), front=LISTED, containers={"a": DB})
    assert said == ["front1 has no streams"]


@pytest.mark.parametrize(
    ("containers", "front", "remark"),
    [
        ({"a": DB}, {}, "front1: front.stream_ports does not list port 5432/tcp, which db claims"),
        (
            {"a": DB, "bb": "SERVICE_NAME=other SERVICE_80_VIRTUAL_TCP=5432"},
            LISTED,
            "front1: port 5432/tcp is contested; claimed by db and other",
        ),
        (
            {"a": DB, "bb": f"{DB} SERVICE_80_VIRTUAL_ALLOW=10.0.0.0/8"},
            LISTED,
            "front1: port 5432/tcp is contested; claimed by db",
        ),
        (
            {"a": DB, "bb": TLS},
            LISTED,
            "front1: port 5432/tcp for mail.example.com is contested; claimed by mail",
        ),
        (
            {"a": TLS},
            {**LISTED, "streams": [{"port": 5432, "service": "db"}]},
            "front1: port 5432/tcp for mail.example.com is contested; claimed by mail",
        ),
        (
            {"a": DB},
            {**LISTED, "streams": [{"port": 5432, "service": "cache"}]},
            "front1: port 5432/tcp is contested; claimed by db",
        ),
        (
            {"a": f"{DB} SERVICE_80_VIRTUAL_ALLOW=everybody"},
            LISTED,
            "front1: app1:a:80 gets no connections because of its metadata: virtual_allow: got 'everybody'",
        ),
        (
            {"a": DB.replace("NAME=db", f"NAME={'d' * 300}")},
            LISTED,
            "front1: app1:a:80 gets no connections because of its metadata: SERVICE_NAME: got 300 characters",
        ),
    ],
)
def test_a_claim_that_is_not_served_is_a_remark(containers: dict[str, str], front: Any, remark: str) -> None:
    served = {Place(5432): frozenset()} if "streams" in front else {}
    instances = (instance("a", passing="streams" not in front), instance("bb", "other"))
    _, remarks = checked_streams(served, *instances, front=front, containers=containers)
    assert any(text.startswith(remark) for text in remarks), remarks


def test_a_container_may_claim_what_group_data_gives_its_service() -> None:
    front = {"streams": [{"port": 5432, "service": "db"}]}
    served = {Place(5432): frozenset({ONE})}
    assert checked_streams(served, instance("a"), front=front, containers={"a": DB})[1] == []
