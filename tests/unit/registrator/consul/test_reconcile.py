"""Only differences are written, and only the registrator's own services are ever removed."""

from dataclasses import replace

import pytest
from registrator_documents import container, read

from rollcall.contract.service_protocol import MARK_PROTOCOL, UDP
from rollcall.registrator.consul.reconcile import (
    MARK_CHECK,
    MARK_RETIRED,
    Blocked,
    Deregister,
    Register,
    Registration,
    Report,
    Write,
    checks_of,
    reconcile,
    registration_of,
)
from rollcall.registrator.services.health import Health
from rollcall.registrator.services.identity import MARK_CONTAINER, MARK_HOST
from rollcall.registrator.services.services import Service


def service(**env: str) -> Service:
    env = {f"SERVICE_{key}": value for key, value in env.items()}
    return read(container("80/tcp", env={"SERVICE_ID": "web", **env})).services[0]


WEB = service()
MINE = registration_of(WEB, "app1")


def writes(
    desired: list[Service], actual: list[Registration], may_remove: set[str] | None = None, **among: list[str]
) -> list[Write | Blocked]:
    wanted = {service.id: service for service in desired}
    present = {registration.id: registration for registration in actual}
    removable = set(present) if may_remove is None else may_remove
    return reconcile(wanted, present, "app1", may_remove=removable, **among)


def test_what_is_missing_is_registered_with_the_marks() -> None:
    (write,) = writes([WEB], [])
    assert isinstance(write, Register)
    assert write.registration.meta == {MARK_HOST: "app1", MARK_CONTAINER: "0123456789ab"}


def test_a_udp_service_is_marked_so_that_no_front_sends_requests_to_it() -> None:
    tcp, udp = read(container("53/tcp", "53/udp")).services
    assert registration_of(udp, "app1").meta[MARK_PROTOCOL] == UDP
    assert MARK_PROTOCOL not in registration_of(tcp, "app1").meta


def test_what_is_right_costs_nothing() -> None:
    assert writes([WEB], [MINE]) == []


@pytest.mark.parametrize(
    "drift",
    [
        {"name": "other"},
        {"address": "10.0.0.1"},
        {"port": 81},
        {"tags": ("other",)},
        {"meta": {}},
        {"meta": {**MINE.meta, "region": "eu"}},
        {"enable_tag_override": True},
    ],
)
def test_what_has_changed_is_written_again(drift: dict[str, object]) -> None:
    assert len(writes([WEB], [replace(MINE, **drift)])) == 1  # type: ignore[arg-type]


def test_a_changed_check_is_written_again() -> None:
    checked = service(CHECK_TCP="true")
    (write,) = writes([checked], [replace(registration_of(checked, "app1"), meta={**MINE.meta, "check_tcp": "true"})])
    assert MARK_CHECK in write.registration.meta


def test_the_same_service_of_another_registrator_is_adopted() -> None:
    assert len(writes([WEB], [replace(MINE, meta={})])) == 1


def test_nobody_else_can_make_the_id_of_a_services_checks() -> None:
    wanted = service(CHECK_TCP="true")
    (write,) = writes([replace(wanted, container=replace(wanted.container, health=Health("passing")))], [])
    assert isinstance(write, Register)
    assert [check["CheckID"] for check in checks_of(write)] == ["service:web", "docker-health:web"]


def test_what_another_tool_wrote_by_the_same_id_and_another_name_stays() -> None:
    (write,) = writes([WEB], [replace(MINE, name="tool", meta={})])
    assert isinstance(write, Blocked) and "named tool, that no registrator wrote" in write.reason


def test_a_containers_own_id_is_adopted_whatever_its_name() -> None:
    own = read(container("80/tcp")).services[0]
    (write,) = writes([own], [Registration(own.id, "tool", "", 80)])
    assert isinstance(write, Register)


def test_an_id_in_another_case_comes_when_the_other_is_gone() -> None:
    other = replace(MINE, id="WEB")
    assert writes([WEB], [other]) == [Deregister(other)]
    assert isinstance(writes([WEB], [])[0], Register)


def test_an_id_in_another_case_that_another_tool_has_stays() -> None:
    (write,) = writes([WEB], [Registration("WEB", "nginx", "", 80)])
    assert isinstance(write, Blocked) and "treats as the same" in write.reason


def test_a_check_of_another_service_is_not_taken_over() -> None:
    (write,) = reconcile({"web": WEB}, {}, "app1", may_remove=(), check_owners={"service:web": "Tool"})
    assert isinstance(write, Blocked) and "of the service Tool" in write.reason
    (write,) = reconcile({"web": WEB}, {}, "app1", may_remove=(), check_owners={"service:web": "web"})
    assert isinstance(write, Register)


def test_what_the_agent_removes_by_itself_is_not_deregistered_again() -> None:
    assert writes([], [replace(MINE, meta={**MINE.meta, MARK_RETIRED: "true"})]) == []


def test_what_should_be_no_more_is_deregistered() -> None:
    assert writes([], [MINE]) == [Deregister(MINE)]


@pytest.mark.parametrize(
    "foreign",
    [
        replace(MINE, meta={}),
        replace(MINE, meta={MARK_HOST: "app2"}),
        replace(MINE, id="app1:web-1:80", meta={}),
    ],
)
def test_services_of_others_are_never_removed(foreign: Registration) -> None:
    assert writes([], [foreign]) == []


def test_only_what_may_be_removed_is() -> None:
    assert writes([], [MINE], may_remove=set()) == []


def test_what_comes_is_written_before_what_goes() -> None:
    other = replace(MINE, id="a-first-in-order")
    assert [type(write) for write in writes([WEB], [other])] == [Register, Deregister]


def test_among_limits_the_work() -> None:
    assert writes([WEB], [replace(MINE, id="old")], among=["old"]) == [Deregister(replace(MINE, id="old"))]


def test_tags_that_others_may_change_are_left_alone() -> None:
    shared = service(ENABLE_TAG_OVERRIDE="true", TAGS="a")
    present = registration_of(shared, "app1")
    assert writes([shared], [replace(present, tags=("theirs",))]) == []
    assert len(writes([shared], [replace(present, tags=("theirs",), port=81)])) == 1


def test_what_is_to_be_registered_anew_comes_as_it_is_with_the_tags_of_others() -> None:
    shared = service(ENABLE_TAG_OVERRIDE="true", TAGS="a")
    present = replace(registration_of(shared, "app1"), tags=("theirs",))
    assert writes([shared], [present], anew=["web"]) == [Register(shared, present)]
    assert writes([shared], [present], anew=["other"]) == []


def healthy(status: str, **env: str) -> Service:
    state = {"Running": True, "Health": {"Status": status, "Log": [{"Output": "said"}]}}
    return read(container("80/tcp", State=state, env={f"SERVICE_{key}": value for key, value in env.items()})).services[
        0
    ]


def test_a_healthcheck_and_a_check_are_two() -> None:
    (write,) = writes([healthy("healthy", CHECK_TCP="true")], [])
    assert isinstance(write, Register)
    tcp, docker = checks_of(write)
    assert "TCP" in tcp
    assert (docker["CheckID"], docker["Status"]) == ("docker-health:app1:web-1:80", "passing")
    assert "TTL" in docker


def test_only_the_health_of_a_service_that_is_right_is_reported() -> None:
    wanted = registration_of(healthy("healthy"), "app1")
    assert writes([healthy("healthy")], [wanted]) == []
    assert writes([healthy("healthy")], [replace(wanted, health=Health("critical", "TTL expired"))]) == [Report(wanted)]
    assert writes([healthy("healthy")], [replace(wanted, health=Health("passing", "other"))]) == [Report(wanted)]


@pytest.mark.parametrize("status", ["healthy", ""])
def test_a_healthcheck_that_comes_or_goes_with_a_new_container_is_registered(status: str) -> None:
    wanted = registration_of(healthy(status), "app1")
    other = None if wanted.health else Health("passing")
    (write,) = writes([healthy(status)], [replace(wanted, health=other)])
    assert isinstance(write, Register)
    assert len(checks_of(write)) == (1 if status else 0)


def test_one_that_is_out_of_service_is_registered_with_its_mark() -> None:
    (write,) = writes([healthy("healthy")], [])
    assert isinstance(write, Register)
    _, mark = checks_of(replace(write, maintenance="repairs"))
    assert (mark["CheckID"], mark["Status"]) == ("_service_maintenance:app1:web-1:80", "critical")
    assert mark["Notes"] == "repairs"
    assert len(checks_of(replace(write, maintenance=""))) == 2
