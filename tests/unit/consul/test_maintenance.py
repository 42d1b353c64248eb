"""Consul's maintenance mode: the requests to an agent, and the meaning of its checks."""

from rollcall.consul import maintenance
from rollcall.consul.agent_client import Request

NODE = {"Node": "app1", "CheckID": "_node_maintenance", "Status": "critical"}
SERVICE = {"Node": "app1", "CheckID": "_service_maintenance:app1:web-1:80", "Status": "critical"}
ILL = {"Node": "app2", "CheckID": "service:app2:web-1:80", "Status": "critical"}


def test_a_reason_is_given_and_an_id_is_one_part_of_the_path() -> None:
    assert maintenance.of_service("app1:a/../b:80", enable=True) == Request(
        "PUT", "/v1/agent/service/maintenance/app1%3Aa%2F%2E%2E%2Fb%3A80?enable=true&reason=rollcall+drain"
    )
    assert maintenance.of_node(enable=False) == Request("PUT", "/v1/agent/maintenance?enable=false")


def test_what_is_ill_is_not_drained() -> None:
    assert maintenance.nodes([NODE, SERVICE, ILL]) == {"app1"}
    assert not maintenance.among([ILL], "app2:web-1:80")
    assert maintenance.among([ILL, NODE], "any")


def test_a_service_is_drained_by_its_own_mark_only() -> None:
    assert maintenance.among([SERVICE], "app1:web-1:80")
    assert not maintenance.among([SERVICE], "app1:web-1:8")
    marks = {SERVICE["CheckID"]: SERVICE}
    assert maintenance.in_maintenance(["app1:web-1:80", "app1:web-2:80"], marks) == {"app1:web-1:80"}
