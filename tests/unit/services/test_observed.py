"""Whether a container serves, by what Docker, the agent and the fronts say."""

import json
from dataclasses import replace
from typing import Any

import pytest

from rollcall.config.settings import Front, Route
from rollcall.registrator.services.identity import MARK_CONTAINER
from rollcall.services import observed
from rollcall.services.observed import REASON, Registered, Running

ID = "0123456789ab" + 52 * "0"
IMAGE = {"image": "shop:1.4", "created": "2026-11-28T00:00:00Z"}
UP = Running("shop-1", ID, "c0ffee", True, False, 0, 0, "none", "", 10.0, **IMAGE)
PORT = Registered("app1:shop-1:8000", "shop", meta={"virtual_host": "shop.example.com"})


def line(**state: Any) -> str:
    status = {"Running": True, "StartedAt": "2026-11-28T00:00:00Z", "ExitCode": 0, **state}
    return json.dumps({"name": "/shop-1", "id": ID, "state": status, "restarts": 0, "spec": "c0ffee", **IMAGE})


def test_a_container_as_docker_prints_it() -> None:
    clock = "1795824010.5"
    found = observed.containers(f"{clock}\n{line()}\n")
    assert found == {"shop-1": replace(UP, age=10.5)}
    health = {"Status": "unhealthy", "Log": [{"Output": "no\n"}]}
    (sick,) = observed.containers(f"{clock}\n{line(Health=health)}").values()
    assert (sick.health, sick.health_output) == ("unhealthy", "no")
    (restarting,) = observed.containers(f"{clock}\n{line(Restarting=True)}").values()
    assert not restarting.runs
    assert restarting.restarting
    assert observed.containers(f"{clock}\n") == {}


SERVICES = {
    "a": {"ID": "a", "Service": "shop", "Tags": ["v2"], "Meta": {MARK_CONTAINER: ID[:12]}},
    "b": {"ID": "b", "Service": "shop", "Meta": {MARK_CONTAINER: "another"}},
}
CHECKS = {
    "1": {"CheckID": "service:a", "ServiceID": "a", "Name": "HTTP", "Status": "critical", "Output": "503\n no"},
    "2": {"CheckID": "_service_maintenance:a", "ServiceID": "a", "Name": "M", "Status": "critical", "Notes": REASON},
    "3": {"CheckID": "service:b", "ServiceID": "b", "Name": "HTTP", "Status": "critical", "Output": ""},
}


def test_a_containers_services_with_their_faults_and_maintenance() -> None:
    assert observed.registered(SERVICES, CHECKS, ID) == [
        Registered("a", "shop", ("v2",), {MARK_CONTAINER: ID[:12]}, ("HTTP is critical: 503 no",), REASON)
    ]
    assert observed.registered(SERVICES, {}, ID)[0].maintenance is None


@pytest.mark.parametrize(
    ("container", "ports", "expected", "why"),
    [
        (UP, [PORT], 1, []),
        (replace(UP, runs=False, exit_code=3), [PORT], 1, ["it does not run (exit code 3)"]),
        (UP, [], 1, ["0 of its 1 ports are registered in Consul"]),
        (UP, [replace(PORT, faults=("HTTP is critical: 503",))], 1, ["HTTP is critical: 503"]),
        (replace(UP, health="starting"), [PORT], 1, ["its HEALTHCHECK says starting"]),
        (replace(UP, health="unhealthy", health_output="no"), [], 0, ["its HEALTHCHECK says unhealthy: no"]),
        (UP, [], 0, []),
        (replace(UP, age=1.0), [], 0, ["it has only just started"]),
        (replace(UP, age=1.0, health="healthy"), [], 0, []),
    ],
)
def test_what_a_container_waits_for(container: Running, ports: list[Registered], expected: int, why: list[str]) -> None:
    assert observed.waits_for(container, ports, expected) == why


def document(**listed: bool) -> str:
    """A front's status: instances of the service by their node, each in rotation or not."""
    instances = [
        {"id": PORT.identity if node == "app1" else f"{node}:shop-1:8000", "node": node, "listed_since": since or None}
        for node, since in ((node, "2026-11-28T00:00:00Z" if one else "") for node, one in listed.items())
    ]
    return json.dumps({"services": [{"name": "shop", "instances": instances}]})


@pytest.mark.parametrize(
    ("listed", "missing"),
    [
        ({"app1": True, "app2": True}, []),
        ({"app1": False, "app2": True}, [PORT.identity]),
        ({"app2": True}, [PORT.identity]),
        # Nobody is in rotation: another service may have the route, and nobody can tell.
        ({"app1": False, "app2": False}, []),
        ({}, []),
    ],
)
def test_a_front_lists_an_instance_where_it_lists_others(listed: dict[str, bool], missing: list[str]) -> None:
    assert observed.missing_at(document(**listed), Front(services=()), "app1", [PORT]) == missing


def test_a_service_without_a_route_is_missing_nowhere() -> None:
    plain = replace(PORT, meta={})
    elsewhere = document(app2=True)
    assert observed.missing_at(elsewhere, Front(services=()), "app1", [plain]) == []
    assert observed.missing_at(elsewhere, Front(services=("v2.shop",)), "app1", [plain]) == []
    assert observed.missing_at(elsewhere, Front(services=("v2.shop",)), "app1", [replace(plain, tags=("v2",))])
    assert observed.missing_at(elsewhere, Front(services=("shop",)), "app1", [plain])
    routed = Front(services=(), routes=(Route(service="shop", host="shop.example.com"),))
    assert observed.missing_at(elsewhere, routed, "app1", [plain])


@pytest.mark.parametrize("text", ["{}", "[]", '{"services": [{}]}', "not JSON"])
def test_what_is_no_status_document_is_said(text: str) -> None:
    with pytest.raises(ValueError, match=r"status document|Expecting value|indices"):
        observed.missing_at(text, Front(), "app1", [PORT])


@pytest.mark.parametrize(
    ("state", "crashes"),
    [
        ({}, False),
        ({"runs": False}, True),
        ({"runs": False, "restarting": True, "restarts": 2}, False),
        ({"runs": False, "restarting": True, "restarts": 3}, True),
        ({"restarts": 3}, True),
    ],
)
def test_a_program_may_exit_twice_before_it_serves(state: dict[str, Any], crashes: bool) -> None:
    assert replace(UP, **state).crashes is crashes


def test_how_a_program_ended() -> None:
    assert replace(UP, runs=False, exit_code=3).end == "its program exits (exit code 3)"
    assert replace(UP, runs=False, exit_code=3, restarts=3).end == "its program exits, 3 times so far (exit code 3)"
    assert replace(UP, restarts=4).end == "its program exits, 4 times so far"


def entry(node: str, identity: str, *checks: tuple[str, str]) -> dict[str, Any]:
    found = [{"CheckID": name, "Name": name, "Status": status, "Output": "503 x"} for name, status in checks]
    return {"Node": {"Node": node}, "Service": {"ID": identity}, "Checks": found}


def test_what_was_replaced_and_does_not_pass_any_more() -> None:
    wanted = [observed.Instance("shop", node, "shop-1") for node in ("app1", "app2", "app3", "app4")]
    found = [
        entry("app1", "shop-1", ("serfHealth", "passing"), ("HTTP", "passing")),
        entry("app2", "shop-1", ("serfHealth", "passing"), ("HTTP", "critical")),
        entry("app3", "shop-1", ("_node_maintenance", "critical"), ("HTTP", "critical")),
        entry("app4", "shop-2", ("HTTP", "passing")),
    ]
    assert observed.no_longer_serving(wanted, found) == [
        "shop-1 does not serve any more (HTTP is critical: 503 x)",
        "shop-1 is not registered any more",
    ]
