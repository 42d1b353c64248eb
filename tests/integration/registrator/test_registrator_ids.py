"""Whatever id a container asks for, it harms nobody: against a real agent, with an engine made of documents."""

import itertools
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families
from registrator_loop import Clock, World, died, started
from registrator_world import HOSTNAME, Run, Start, run_once
from registrator_world import Agent as Consul
from waiting import always, until

from rollcall.registrator import loop as loop_module
from rollcall.registrator.consul.agent import Agent
from rollcall.registrator.consul.agent_sync import REFRESH_SECONDS
from rollcall.registrator.docker.engine import Connected
from rollcall.registrator.services.identity import MARK_CONTAINER, MARK_HOST, id_fault
from rollcall.registrator.settings import AgentAddress

NEIGHBOUR, SHOP, TOOL = "app1:webserver-1:80", "shop", "tool"
NEIGHBOURS = (NEIGHBOUR, SHOP, TOOL)
HEALTHY = {"Status": "healthy", "Log": [{"Output": "fine"}]}
UNHEALTHY = {"Status": "unhealthy", "Log": [{"Output": "ill"}]}
WALKS = ("{0}", "x/../{0}", "./{0}", "../deregister/{0}", "x%2F..%2F{0}", "x%2f%2e%2e%2f{0}", "/{0}", "{0}/", "{0}/.")
SPELLS = ("{0}:1", "{0}:2", "service:{0}", "docker-health:{0}", "{0}?x", "{0}#x", "{0}\0", "{0}\n", " {0}", "{0} ")
NASTY = [form.format(identity) for form in (*WALKS, *SPELLS) for identity in NEIGHBOURS]
PLAIN = [".", "..", "/", "//", "%", "%2E%2E", "é", "É", "\u212a", "consul", "CONSUL", '"', "\\", "`", "a b", "\ue000"]
IDS = st.sampled_from([*NASTY, *map(str.upper, NASTY), *PLAIN]) | st.text(min_size=1, max_size=30)

numbers = itertools.count(1)


@pytest.fixture(scope="module")
def clock() -> Iterator[Clock]:
    clock = Clock()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop_module, "time", clock)
        yield clock


@pytest.fixture(scope="module")
def world(shared_agent: Consul, clock: Clock) -> Iterator[World]:
    """A registrator with two neighbours, and a service of another tool."""
    checks = [{"TTL": "1h", "Status": "passing"}, {"TTL": "1h", "Status": "warning"}]
    put(shared_agent, {"ID": TOOL, "Name": "tool", "Port": 7, "Checks": checks})
    world = World(clock, client(shared_agent), cleanup=True)
    add(world, "webserver-1", State=state(HEALTHY))
    add(world, "shop-1", env=(f"SERVICE_ID={SHOP}", "SERVICE_CHECK_TTL=1h", "SERVICE_CHECK_INITIAL_STATUS=passing"))
    world.settle(Connected())
    until(lambda: set(catalog(shared_agent)) == {*NEIGHBOURS}, "the neighbours in the catalog")
    yield world
    shared_agent.clear()


def client(consul: Consul) -> Agent:
    return Agent(AgentAddress("consul", "127.0.0.1", consul.port))


def put(consul: Consul, service: dict[str, Any]) -> None:
    body = json.dumps(service)
    assert consul.api.http.put(lambda answer: answer.code == 200, "/v1/agent/service/register", data=body)


def state(health: dict[str, Any] | None = None) -> dict[str, Any]:
    # Each starts after the one before.
    started_at = f"2026-11-28T00:00:00.{next(numbers):09}Z"
    return {"Running": True, "Paused": False, "ExitCode": 0, "StartedAt": started_at, "Health": health or {}}


def add(world: World, name: str, env: tuple[str, ...] = (), **parts: Any) -> str:
    parts.setdefault("State", state())
    return world.engine.add(name, Config={"Env": [f"SERVICE_NAME=test-{name}", *env]}, **parts)


def services(consul: Consul) -> dict[str, Any]:
    return {key: one for key, one in consul.services().items() if key != "consul"}


def checks(consul: Consul) -> dict[str, tuple[str, str]]:
    # When a check was last written is no part of it, and a note may come later than a status.
    return {key: (one["ServiceID"], one["Status"]) for key, one in consul.api.agent.checks().items()}


def catalog(consul: Consul) -> dict[str, int]:
    """Every service of the node but Consul's, and when it was last written."""
    node = consul.api.catalog.node("test")[1]
    return {key: one["ModifyIndex"] for key, one in node["Services"].items() if key != "consul"}


def settled(consul: Consul) -> bool:
    return set(catalog(consul)) == set(services(consul))


@given(asked=IDS, health=st.booleans(), check=st.booleans())
@example(asked=f"x/../{NEIGHBOUR}", health=True, check=True)
@example(asked=NEIGHBOUR.upper(), health=True, check=True)
@example(asked=NEIGHBOUR, health=True, check=True)
@example(asked=SHOP, health=True, check=True)
@example(asked="TOOL", health=False, check=False)
@example(asked=TOOL, health=False, check=False)
@example(asked=f"{TOOL}:1", health=False, check=True)
@example(asked="..", health=True, check=False)
@example(asked="\n", health=True, check=False)
@example(asked="Consul", health=True, check=False)
@hypothesis_settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_any_id_affects_only_its_own_containers_service(
    world: World, shared_agent: Consul, asked: str, health: bool, check: bool
) -> None:
    before = services(shared_agent), checks(shared_agent), catalog(shared_agent)
    env = (f"SERVICE_80_ID={asked}", *(["SERVICE_CHECK_TTL=1h"] if check else []))
    odd = add(world, "odd", env, State=state(HEALTHY if health else None))
    world.settle(started(odd))
    until(lambda: settled(shared_agent), "the catalog as the agent has it")
    untouched(shared_agent, *before)

    own = services(shared_agent).keys() - before[0].keys()
    wanted = asked if not id_fault(asked) else "app1:odd:80"
    assert own <= {wanted}, "its service has the id that it asks for, or its own"
    assert own or wanted != "app1:odd:80", "an id that cannot be used costs no service"

    if health:
        world.engine.documents[odd]["State"]["Health"] = UNHEALTHY
        world.settle(started(odd))
        untouched(shared_agent, *before)

    world.settle(died(odd))
    del world.engine.documents[odd]
    until(lambda: settled(shared_agent), "the catalog as the agent has it")
    assert (services(shared_agent), checks(shared_agent), catalog(shared_agent)) == before

    writes = written(world)
    for _ in range(3):
        world.later(REFRESH_SECONDS)
    assert written(world) == writes, "the registrator comes to rest"
    assert (services(shared_agent), checks(shared_agent), catalog(shared_agent)) == before


def untouched(consul: Consul, *before: dict[str, Any]) -> None:
    for now, then in zip((services(consul), checks(consul), catalog(consul)), before, strict=True):
        assert {key: value for key, value in now.items() if key in then} == then


def written(world: World) -> tuple[float, ...]:
    """What was registered and deregistered so far. Healths are confirmed from time to time, and not counted."""
    families = text_string_to_metric_families(world.metrics.text().decode())
    samples = next(family.samples for family in families if family.name == "registrator_writes")
    counters = {sample.labels["kind"]: sample.value for sample in samples if sample.name.endswith("_total")}
    return counters["register"], counters["deregister"]


@pytest.fixture
def poisoned(own_agent: Consul) -> Consul:
    """An agent as an older registrator left it: ids that walk, that only differ in case, that no path can name."""
    meta = {MARK_HOST: "app1", MARK_CONTAINER: "odd".ljust(12, "0")}
    for identity in (
        "x/../app1:webserver-1:80",
        "..",
        ".",
        "a//b",
        "é",
        "APP1:ODD:80",
        'quote"',
        "a\nb",
        "\0",
        "\ue000",
    ):
        put(own_agent, {"ID": identity, "Name": "test-odd", "Port": 80, "Meta": meta})
    put(own_agent, {"ID": "of/../others", "Name": "others", "Port": 80})
    return own_agent


# Consul removes a service no earlier than a minute and a half after its check failed.
@pytest.mark.parametrize("cleanup", [False, pytest.param(True, marks=pytest.mark.long)])
def test_a_registrator_cleans_up_what_an_older_one_poisoned(poisoned: Consul, clock: Clock, cleanup: bool) -> None:
    world = World(clock, client(poisoned), cleanup=cleanup)
    add(world, "odd", ("SERVICE_80_ID=x/../app1:webserver-1:80",))
    add(world, "webserver-1")
    world.settle(Connected())
    for _ in range(3):
        world.later(REFRESH_SECONDS)
    right = {"app1:odd:80", "app1:webserver-1:80", "of/../others"}
    retired = {"a\nb", "\0", "\ue000"}
    assert set(services(poisoned)) == right | retired
    assert {key for key, (owner, status) in checks(poisoned).items() if status == "critical"} == {
        f"docker-health:{identity}" for identity in retired
    }
    writes = written(world)
    world.later(REFRESH_SECONDS)
    assert written(world) == writes, "what the agent removes by itself is written once"
    if cleanup:
        until(lambda: set(services(poisoned)) == right, "what no path can name, removed by the agent itself", 120)
    until(lambda: set(catalog(poisoned)) == set(services(poisoned)), "the catalog as the agent has it", 120)


def test_an_id_that_walks_the_path_removes_no_other_service(start: Start, run: Run, agent: Consul, name: str) -> None:
    registrator = start("-internal", "-cleanup", "-resync", "1")
    run()
    neighbour, own = f"{HOSTNAME}:{name}:80", f"{HOSTNAME}:{name}-odd:80"
    odd = run("-odd", environment={"SERVICE_80_ID": f"x/../{neighbour}"})
    until(lambda: set(agent.catalog(name)) == {neighbour, own}, "both, by ids of their own")
    written = agent.raft_indexes(name)[neighbour]
    registrator.says(f"SERVICE_80_ID='x/../{neighbour}'")
    assert f"its id is {own}" in run_once("once", "-dry", "-internal").stdout
    odd.remove(force=True)
    until(lambda: set(agent.catalog(name)) == {neighbour}, "the neighbour alone")
    always(lambda: agent.raft_indexes(name) == {neighbour: written}, "the neighbour, untouched", 2 * REFRESH_SECONDS)
    assert registrator.text.count("deregistered") == 1


def test_an_id_of_several_containers_is_reported_and_moves_on(start: Start, run: Run, agent: Consul, name: str) -> None:
    registrator = start("-internal")
    first, second = (run(f"-{number}", environment={"SERVICE_ID": f"{name}-id"}) for number in (1, 2))
    registrator.says(f"the id {name}-id is taken by {first.name}")
    assert agent.services()[f"{name}-id"]["Meta"][MARK_CONTAINER] == first.id[:12]
    first.stop(timeout=1)
    until(lambda: agent.services()[f"{name}-id"]["Meta"][MARK_CONTAINER] == second.id[:12], "the second one by this id")
