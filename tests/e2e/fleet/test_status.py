"""`rollcall status` and the front's own page on the lab: what is there, what is not, and who says so."""

import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from deployed import LAB, Fleet, answering, rollcall, wait_for

PAGE = "http://127.0.0.1:8511"


def seen(code: int = 0) -> Any:
    return json.loads(rollcall("status", LAB, "--json", code=code))


def rows(found: Any, service: str) -> dict[str, Any]:
    """The rows of a service by host/container."""
    services = {one["name"]: one["rows"] for one in found["services"]}
    return {f"{row['node']}/{row['container']}": row for row in services.get(service, [])}


@pytest.fixture
def guest(fleet: Fleet) -> Iterator[str]:
    """A user's container on app1 which asks for a route of its own; gives its name."""
    name = f"status-{uuid.uuid4().hex[:6]}"
    said = f"--env SERVICE_NAME={name} --env SERVICE_80_VIRTUAL_HOST={name}.example.com --env SERVICE_443_IGNORE=true"
    fleet.on("app1", f"docker run --detach --name {name} --publish 10.77.0.21::80 {said} nginx:1.30")
    yield name
    fleet.on("app1", f"docker rm --force {name}", check=False)


def test_every_backend_is_shown_with_its_state_in_docker_consul_and_nginx(fleet: Fleet) -> None:
    backends = answering()
    found = seen()
    listed = rows(found, "nginx-80") | rows(found, "webserver-80")
    assert set(listed) == backends
    assert {(row["consul"], row["fronts"]) for row in listed.values()} == {("passing", 1)}
    assert {row["docker"] for row in listed.values()} <= {"running", "healthy"}
    assert sum(row["requests"] for row in listed.values()) > 0
    assert sum(row["share"] for row in listed.values()) == pytest.approx(1, abs=0.01)
    assert found["problems"] == found["unread"] == []
    text = rollcall("status", LAB)
    assert all(backend.split("/")[1] in text for backend in backends)


def test_a_container_has_its_route_while_it_runs(fleet: Fleet, guest: str) -> None:
    service = f"{guest}-80" if rows(seen(), f"{guest}-80") else guest
    found = wait_for(
        f"{guest} in nginx's list",
        lambda: next((one for one in seen()["services"] if one["name"] == service and one["rows"][0]["fronts"]), None),
    )
    assert [route["host"] for route in found["routes"]] == [f"{guest}.example.com"]
    fleet.on("app1", f"docker rm --force {guest}")
    wait_for("a status without it", lambda: not rows(seen(), service))
    changes = [(one["subject"], one["text"]) for one in document(fleet)["changes"]]
    assert changes.index((f"app1/{guest}", "left")) < changes.index((f"app1/{guest}", "joined"))


def document(fleet: Fleet) -> Any:
    return json.loads(fleet.on("front1", f"curl -fsS {PAGE}/status.json"))


def led(found: Any) -> Any:
    return found if any(one["leader"] for one in found["servers"]) else None


def test_the_page_knows_consuls_servers_and_every_host(fleet: Fleet) -> None:
    """With the front's own token, which may read no more than nodes, services and Rollcall's keys."""
    found = wait_for("a leader", lambda: led(document(fleet)))
    assert found["fleet"] == "lab"
    assert [one["node"] for one in found["servers"]] == ["consul1", "consul2", "consul3"]
    assert [one["voter"] for one in found["servers"]] == [True] * 3
    assert sum(one["leader"] for one in found["servers"]) == 1
    assert {one["node"]: one["alive"] for one in found["hosts"]} == dict.fromkeys(sorted(fleet.hosts), True)


def test_the_page_remembers_the_requests_of_the_last_minutes(fleet: Fleet) -> None:
    for _ in range(20):
        fleet.on("front1", "curl -fsS -o /dev/null http://127.0.0.1/json")

    def counted() -> bool:
        history = json.loads(fleet.on("front1", f"curl -fsS {PAGE}/history.json"))
        return sum(sum(series["rates"]) for series in history["services"].values()) >= 2

    wait_for("these requests in a complete step of 10 s", counted, 20)


def test_a_site_without_instances_is_the_first_problem_of_status_and_page(fleet: Fleet) -> None:
    name = f"ill-{uuid.uuid4().hex[:6]}"
    host = f"{name}.example.com"
    said = f"-e SERVICE_80_NAME={name} -e SERVICE_80_VIRTUAL_HOST={host} -e SERVICE_443_IGNORE=true"
    check = "-e SERVICE_80_CHECK_HTTP=/nothing-there -e SERVICE_80_CHECK_INTERVAL=1s"
    fleet.on("app1", f"docker run --detach --name {name} --publish 10.77.0.21::80 {said} {check} nginx:1.30")
    try:
        first = wait_for(
            "a problem", lambda: next((one for one in seen()["problems"] if host in one["text"]), None), seconds=30
        )
        assert (first["kind"], first["severity"]) == ("unserved", "outage")
        assert seen()["problems"][0]["since"] == first["since"]
        assert "docker logs CONTAINER" in first["next"]
        assert rollcall("status", LAB, "--check", code=1).startswith("Problems\n  front1 unserved: ")
        assert f"{host}/: every request gets a 502" in fleet.on("front1", f"curl -fsS {PAGE}/")
        sent = f"curl -s -o /dev/null -w '%{{http_code}}' -H 'Host: {host}' http://127.0.0.1/"
        assert fleet.on("front1", sent) == "502"
    finally:
        fleet.on("app1", f"docker rm --force {name}", check=False)
    wait_for("no problem", lambda: not seen()["problems"])
    rollcall("status", LAB, "--check")


def test_a_host_that_cannot_be_read_is_named_and_the_others_are_shown(fleet: Fleet) -> None:
    fleet.on("app2", "systemctl stop docker.socket docker")
    try:
        found = seen(code=1)
    finally:
        fleet.on("app2", "systemctl start docker.socket docker")
    assert {one["where"] for one in found["unread"]} == {"app2"}
    assert any(key.startswith("app1/") for key in rows(found, "webserver-80"))
    wait_for("everybody back", lambda: len(answering()) == 6, 60)


def test_page_metrics_and_health_are_for_the_front_itself(fleet: Fleet) -> None:
    page = fleet.on("front1", f"curl -fsS {PAGE}/")
    assert "webserver-80" in page
    figures = fleet.on("front1", f"curl -fsS {PAGE}/metrics")
    assert "rollcall_front_listed{" in figures
    assert fleet.on("front1", f"curl -fsS -o /dev/null -w '%{{http_code}}' {PAGE}/healthz") == "200"
    elsewhere = fleet.on("front1", f"curl -sS -o /dev/null -w '%{{http_code}}' -H 'Host: evil.example' {PAGE}/")
    assert elsewhere == "421"
