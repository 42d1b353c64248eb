"""What `rollcall status` says follows from what Docker, Consul and nginx say."""

import json
from dataclasses import replace

import pytest
from status_world import NOW, all_well, app, container, front, host, registered, seen, status, with_front

from rollcall.status.fleet_status import FleetStatus, Route, Row


def rows(found: FleetStatus) -> dict[str, Row]:
    return {row.id: row for service in found.services for row in service.rows}


def troubles(found: FleetStatus) -> list[tuple[str, str, str]]:
    return [(one.where, one.kind, one.text) for one in found.problems]


def test_one_row_joins_docker_consul_and_nginx() -> None:
    assert rows(status(*all_well()))["app1:web-1:80"] == Row(
        id="app1:web-1:80",
        service="nginx",
        node="app1",
        address="10.77.0.21:20001",
        container="web-1",
        tags=(),
        docker="healthy",
        consul="passing",
        weight=1,
        share=0.5,
        fronts=1,
        listed_since="2026-11-26T02:59:00Z",
        now=NOW,
        requests=10,
        errors=1,
        seconds=0.8,
        version="1.30",
    )


def test_a_healthy_fleet_has_no_problems() -> None:
    found = status(*all_well())
    assert (found.problems, found.unread) == ((), ())


def test_without_a_front_the_state_comes_from_the_hosts_agents() -> None:
    ill = host("app2", container("web-2", health="unhealthy"), registered=(registered("app2", "web-2", "critical"),))
    found = rows(status(app("app1", "web-1"), ill))
    assert (found["app1:web-1:80"].consul, found["app1:web-1:80"].share) == ("passing", None)
    assert (found["app2:web-2:80"].consul, found["app2:web-2:80"].docker) == ("critical", "unhealthy")


def test_a_container_without_a_health_check_shows_its_state() -> None:
    found = status(host("app1", container("web-1"), registered=(registered("app1", "web-1"),)))
    assert rows(found)["app1:web-1:80"].docker == "running"


def test_the_catalogs_state_overrides_the_agents() -> None:
    found = with_front(seen("app1", "web-1", "critical", None), seen("app2", "web-2"))
    assert rows(found)["app1:web-1:80"].consul == "critical"


def test_canary_maintenance_and_routes_come_from_the_front() -> None:
    (service,) = with_front(canary={"v2": 10}, maintenance=True).services
    assert service.canary == {"v2": 10}
    assert service.routes == (Route("www.example.com", "/", maintenance=True),)


def test_two_fronts_add_up() -> None:
    later = seen("app1", "web-1", share=0.7, listed_since="2026-11-26T02:59:30Z")
    hosts = all_well()
    row = rows(status(*hosts, host("consul1", front=front(later), registered=())))["app1:web-1:80"]
    assert (row.fronts, row.requests, row.errors, row.seconds, row.share) == (2, 20, 2, 1.6, 0.5)
    assert row.listed_since == "2026-11-26T02:59:30Z"


def test_open_connections_of_several_fronts_add_up_though_an_earlier_version_has_none() -> None:
    one, other = (front(seen("app1", "web-1", **more)) for more in ({"open": 3}, {"open": 4}))
    for documents, expected in (((one, other), 7), ((front(seen("app1", "web-1")), other), 4), ((other, front()), 4)):
        hosts = [host(name, front=document) for name, document in zip(("front1", "consul1"), documents, strict=True)]
        assert rows(status(*hosts))["app1:web-1:80"].open == expected
    assert rows(status(host("front1", front=front(seen("app1", "web-1")))))["app1:web-1:80"].open is None


@pytest.mark.parametrize("state", ["critical", "maintenance", "gone"])
def test_a_failing_instance_in_rotation_is_a_mismatch(state: str) -> None:
    found = with_front(seen("app1", "web-1", state), seen("app2", "web-2"))
    assert troubles(found) == [("front1", "mismatch", f"app1:web-1:80 gets requests, but Consul has it as {state}")]


def test_a_retained_or_unrouted_instance_is_not_a_mismatch() -> None:
    assert not troubles(with_front(seen("app1", "web-1", "kept")))
    assert not troubles(with_front(seen("app1", "web-1", share=None)))
    assert not troubles(with_front(seen("app1", "web-1", "critical", share=None)))


def test_a_container_that_is_not_registered_is_a_mismatch() -> None:
    found = status(host("app1", container("web-1"), container("web-2"), registered=(registered("app1", "web-1"),)))
    assert troubles(found) == [("app1", "mismatch", "app1:web-2:80 runs, but is not registered")]


def test_a_service_whose_container_is_gone_is_a_mismatch() -> None:
    found = status(host("app1", registered=(registered("app1", "web-1"),)))
    assert troubles(found) == [("app1", "mismatch", "app1:web-1:80 is registered, but its container does not run")]
    assert rows(found)["app1:web-1:80"].docker == "gone"


def test_a_foreign_service_is_not_a_mismatch() -> None:
    ours = container("other", labels={"SERVICE_IGNORE": "true"})
    foreign = replace(registered("app1", "web-1"), identity="made-by-hand")
    found = status(host("app1", ours, registered=(foreign,)))
    assert not troubles(found)
    assert rows(found)["made-by-hand"].docker == "unknown"


def test_a_container_may_choose_its_services_id() -> None:
    chosen = container("web-1", labels={"SERVICE_ID": "the-one"})
    named = replace(registered("app1", "web-1"), identity="the-one")
    assert not troubles(status(host("app1", chosen, registered=(named,))))


def test_an_id_that_names_another_container_does_not_show_that_ones_health() -> None:
    odd = container("odd", health="unhealthy", labels={"SERVICE_ID": "x:web-1:80"})
    named = replace(registered("app1", "odd"), identity="x:web-1:80", registrator="app1", container=odd["Id"][:12])
    found = status(host("app1", odd, container("web-1", health="healthy"), registered=(named,)))
    assert (rows(found)["x:web-1:80"].container, rows(found)["x:web-1:80"].docker) == ("odd", "unhealthy")


def test_a_service_by_another_id_whose_container_is_gone_is_a_mismatch() -> None:
    named = replace(registered("app1", "web-1"), identity="shop", registrator="app1")
    found = status(host("app1", registered=(named,)))
    assert troubles(found) == [("app1", "mismatch", "shop is registered, but its container does not run")]


def test_unusable_and_shared_ids_are_reported() -> None:
    scaled = [container(f"shop-{number}", labels={"SERVICE_ID": "shop"}) for number in (1, 2)]
    walks = container("walks", labels={"SERVICE_80_ID": "x/../y"})
    known = (replace(registered("app1", "shop-1"), identity="shop"), registered("app1", "walks"))
    (several, bad) = troubles(status(host("app1", *scaled, walks, registered=known)))
    assert bad[:2] == several[:2] == ("app1", "metadata")
    assert bad[2].startswith("walks: port 80/tcp: SERVICE_80_ID='x/../y'")
    assert several[2].startswith("shop-1 has the id shop, so shop-2 cannot be registered under it")


def test_the_registrators_own_command_line_counts() -> None:
    registrator = container("registrator", labels={"rollcall.managed": "registrator", "SERVICE_IGNORE": "true"})
    registrator["Config"]["Hostname"] = "other"
    registrator["Args"] = ["-ip=10.77.0.21", "consul://127.0.0.1:8500"]
    named = replace(registered("app1", "web-1"), identity="other:web-1:80")
    assert not troubles(status(host("app1", registrator, container("web-1"), registered=(named,))))


def test_an_agent_that_does_not_respond_is_unread_without_mismatches() -> None:
    found = status(host("app1", container("web-1"), registered=None, complaints=("its agent tells nothing",)))
    assert not troubles(found)
    assert [(one.where, one.text) for one in found.unread] == [("app1", "its agent tells nothing")]


def test_an_unreadable_host_keeps_the_fronts_data() -> None:
    first, _, last = all_well()
    found = status(first, host("app2", unread="ssh failed"), last)
    assert rows(found)["app2:web-2:80"].docker == "unknown"
    assert rows(found)["app2:web-2:80"].consul == "passing"
    assert [(one.where, one.text) for one in found.unread] == [("app2", "ssh failed")]


def test_a_fronts_problems_are_the_fleets() -> None:
    problem = {"kind": "refused", "text": "nginx refuses it", "since": NOW}
    found = with_front(problems=[problem], consul_template={"running": False})
    assert troubles(found) == [
        ("front1", "refused", "nginx refuses it"),
        ("front1", "hindered", "consul-template does not run"),
    ]
    assert not found.is_well


def test_a_service_without_instances_is_shown() -> None:
    (service,) = status(host("front1", front=front(), registered=())).services
    assert (service.name, service.rows) == ("nginx", ())


def test_the_json_has_everything() -> None:
    problem = {"kind": "refused", "text": "nginx refuses it", "since": NOW}
    found = json.loads(json.dumps(with_front(problems=[problem], canary={"v2": 10}).to_json()))
    (service,) = found["services"]
    assert service["rows"][0]["id"] == "app1:web-1:80"
    assert service["canary"] == {"v2": 10}
    assert found["fronts"]["front1"]["time"] == NOW
    assert found["problems"] == [
        {
            "where": "front1",
            "kind": "refused",
            "severity": "warning",
            "text": "nginx refuses it",
            "since": "2026-11-26T03:00:00+00:00",
            "next": "mend what the sentence names, then rollcall deploy INVENTORY",
        }
    ]
