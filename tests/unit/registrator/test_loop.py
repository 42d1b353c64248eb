"""The loop against an engine and an agent that misbehave on command. No Docker, no Consul, no waiting."""

import logging
from dataclasses import replace
from typing import Any

import pytest
from registrator_loop import Clock, World, died, started

from rollcall.registrator import loop as loop_module
from rollcall.registrator.consul.agent import AgentRejectedError, AgentUnreachableError, Listing, TokenUnknownError
from rollcall.registrator.consul.agent_sync import REFRESH_SECONDS, GaveUpError
from rollcall.registrator.consul.out_of_service import MEMORY_SECONDS
from rollcall.registrator.consul.reconcile import (
    MARK_RETIRED,
    Register,
    Registration,
)
from rollcall.registrator.docker.engine import Connected, Inspected
from rollcall.registrator.docker.events import Change, Event
from rollcall.registrator.docker.inspector import inspected
from rollcall.registrator.services.health import CONFIRM_SECONDS, Health
from rollcall.registrator.services.identity import MARK_CONTAINER, MARK_HOST
from rollcall.registrator.tracker import STOP_MARGIN


class FakeAgent:
    def __init__(self) -> None:
        self.present: dict[str, Registration] = {}
        self.away = False
        self.closes_on_writes = False
        self.attempts = 0
        self.knows_token = True
        self.hides: set[str] = set()
        self.refuses: set[str] = set()
        self.keeps_notes = True
        self.out: dict[str, str] = {}
        # What the check of each service's metadata says.
        self.statuses: dict[str, str] = {}
        self.writes: list[str] = []

    def services(self) -> Listing:
        if self.away:
            raise AgentUnreachableError("away")
        if not self.knows_token:
            raise TokenUnknownError("ACL not found")
        shown = {key: one for key, one in self.present.items() if key not in self.hides}
        if not self.keeps_notes:
            noteless = {key: one.health and replace(one.health, note="") for key, one in shown.items()}
            shown = {key: replace(one, health=noteless[key]) for key, one in shown.items()}
        return Listing(shown, whole=not self.hides, maintenance=dict(self.out))

    def maintenance(self, service_id: str) -> str | None:
        return self.out.get(service_id)

    def status(self, service_id: str) -> str | None:
        return self.statuses.get(service_id)

    def register(self, write: Register) -> None:
        self._written(f"+{write.registration.id}", write.registration.id)
        self.statuses[write.registration.id] = write.status or "critical"
        self.present[write.registration.id] = write.registration
        self.out.pop(write.registration.id, None)
        if write.maintenance is not None:
            self.out[write.registration.id] = write.maintenance

    def report(self, wanted: Registration) -> None:
        self._written(f"?{wanted.id}", wanted.id)
        self.present[wanted.id] = replace(self.present[wanted.id], health=wanted.health)

    def deregister(self, registration: Registration) -> None:
        service_id = registration.id
        self._written(f"-{service_id}", service_id)
        if not service_id.isprintable():
            # The agent removes it when its check has been critical for long enough.
            self.present[service_id] = replace(registration, meta={MARK_HOST: "app1", MARK_RETIRED: "true"})
            return
        self.present.pop(service_id, None)
        self.out.pop(service_id, None)

    def _written(self, text: str, service_id: str) -> None:
        self.attempts += 1
        if self.away or self.closes_on_writes:
            raise AgentUnreachableError("away")
        self.writes.append(text)
        if service_id in self.refuses:
            raise AgentRejectedError("no")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(loop_module, "time", clock)
    return clock


@pytest.fixture
def world(clock: Clock) -> World:
    return World(clock, FakeAgent())


def foreign(service_id: str, **meta: str) -> Registration:
    return Registration(service_id, "other", "10.0.0.1", 80, meta=meta)


def orphan(service_id: str, container_id: str) -> Registration:
    return foreign(service_id, **{MARK_HOST: "app1", MARK_CONTAINER: container_id[:12]})


def test_what_runs_at_start_is_registered(world: World) -> None:
    world.engine.add("one")
    world.engine.add("two")
    world.settle(Connected())
    assert world.registered == {"app1:one:80", "app1:two:80"}


@pytest.mark.parametrize("jump", [-86_400.0, 86_400.0])
def test_a_clock_that_jumps_delays_nothing(world: World, jump: float) -> None:
    world.engine.add("one")
    world.settle(Connected())
    world.clock.jump = jump
    two = world.engine.add("two")
    world.settle(Event(two, Change.STARTED, at=world.clock.now))
    assert world.registered == {"app1:one:80", "app1:two:80"}
    world.agent.present.clear()
    world.later(REFRESH_SECONDS)
    assert world.registered == {"app1:one:80", "app1:two:80"}


def test_start_and_die_are_followed_with_one_look(world: World) -> None:
    world.settle(Connected())
    one = world.engine.add("one")
    world.settle(started(one))
    assert world.registered == {"app1:one:80"}
    assert world.engine.inspected == [one]
    world.settle(died(one))
    assert world.registered == set()
    assert world.engine.inspected == [one]


def test_a_burst_of_one_container_is_one_look_and_the_last_word_counts(world: World) -> None:
    world.settle(Connected())
    one = world.engine.add("one")
    world.settle(started(one), died(one), started(one), died(one), started(one))
    assert world.engine.inspected == [one]
    assert world.agent.writes == ["+app1:one:80"]


def test_one_that_is_gone_before_it_is_looked_at_costs_nothing(world: World) -> None:
    world.settle(Connected(), started("f" * 64))
    assert world.agent.writes == []


def test_nothing_is_written_when_nothing_has_changed(world: World) -> None:
    world.engine.add("one")
    world.settle(Connected())
    world.agent.writes.clear()
    world.settle(Connected())
    world.later(REFRESH_SECONDS)
    assert world.agent.writes == []


def test_an_agent_that_lost_its_services_gets_them_back_with_the_next_refresh(world: World) -> None:
    world.engine.add("one")
    world.settle(Connected())
    world.agent.present.clear()
    world.later(REFRESH_SECONDS)
    assert world.registered == {"app1:one:80"}


def test_an_agent_that_is_away_gets_the_newest_state_when_it_is_back(world: World) -> None:
    one, two = world.engine.add("one"), world.engine.add("two")
    world.settle(Connected())
    world.agent.away = True
    world.later(REFRESH_SECONDS)
    del world.engine.documents[one]
    world.settle(died(one), started(world.engine.add("three")))
    assert two in world.engine.documents
    world.agent.away = False
    world.later(REFRESH_SECONDS)
    assert world.registered == {"app1:two:80", "app1:three:80"}


def test_an_agent_that_is_away_is_not_asked_without_pause(world: World) -> None:
    world.agent.away = True
    world.settle(Connected())
    world.later(0.001)
    assert not world.loop.busy(world.clock.now)


def test_an_agent_that_lists_its_services_and_closes_at_every_write_is_not_asked_without_pause(world: World) -> None:
    world.agent.closes_on_writes = True
    world.engine.add("one")
    world.settle(Connected())
    for _ in range(600):
        world.later(0.1)
    assert 20 <= world.agent.attempts <= 80, "in a minute, at most every two seconds"
    world.agent.closes_on_writes = False
    world.later(REFRESH_SECONDS)
    assert world.registered == {"app1:one:80"}


def test_attempts_at_start_can_be_limited(clock: Clock) -> None:
    world = World(clock, FakeAgent(), retry_attempts=1, retry_seconds=0.5)
    world.agent.away = True
    world.settle(Connected())
    with pytest.raises(GaveUpError, match="did not respond in 2 attempts"):
        world.later(0.5)


def test_attempts_are_not_limited_once_consul_was_there(clock: Clock) -> None:
    world = World(clock, FakeAgent(), retry_attempts=1, retry_seconds=0.5)
    world.settle(Connected())
    world.agent.away = True
    for _ in range(5):
        world.later(REFRESH_SECONDS)


def test_a_refused_service_is_tried_again_and_hurts_no_other(world: World) -> None:
    world.agent.refuses = {"app1:one:80"}
    world.engine.add("one")
    world.engine.add("two")
    world.settle(Connected())
    assert "app1:two:80" in world.registered
    assert world.agent.writes.count("+app1:one:80") == 1
    world.later(0.1)
    assert world.agent.writes.count("+app1:one:80") == 1
    world.agent.refuses = set()
    world.later(REFRESH_SECONDS)
    assert "app1:one:80" in world.registered


def test_a_service_that_stays_refused_is_tried_ever_more_seldom(world: World) -> None:
    world.agent.refuses = {"app1:one:80"}
    world.engine.add("one")
    world.settle(Connected())
    for _ in range(100):
        world.later(REFRESH_SECONDS)
    assert 5 < world.agent.writes.count("+app1:one:80") < 20


def test_a_refused_service_that_has_changed_is_tried_at_once(world: World) -> None:
    world.agent.refuses = {"app1:one:80"}
    one = world.engine.add("one")
    world.settle(Connected())
    world.agent.refuses = set()
    world.engine.add("one", Config={"Env": ["SERVICE_NAME=mended"]})
    world.settle(started(one))
    assert world.agent.present["app1:one:80"].name == "mended"


def test_a_refused_service_that_is_gone_is_forgotten(world: World) -> None:
    world.agent.refuses = {"app1:one:80"}
    one = world.engine.add("one")
    world.settle(Connected())
    world.settle(died(one))
    world.later(100)
    assert not world.loop.busy(world.clock.now)


def test_with_a_token_everything_is_registered_once_more_and_then_no_more(clock: Clock) -> None:
    before = World(clock, FakeAgent())
    one = before.engine.add("one")
    before.settle(Connected())
    world = World(clock, before.agent, before.engine, token="secret")
    world.agent.writes.clear()
    world.settle(Connected())
    assert world.agent.writes == ["+app1:one:80"]
    world.later(REFRESH_SECONDS)
    world.settle(Connected(), started(one))
    world.agent.away = True
    world.later(REFRESH_SECONDS)
    world.agent.away = False
    world.later(REFRESH_SECONDS)
    assert world.agent.writes == ["+app1:one:80"]


def test_a_service_that_is_refused_its_new_token_gets_it_later(clock: Clock) -> None:
    before = World(clock, FakeAgent())
    before.engine.add("one")
    before.settle(Connected())
    world = World(clock, before.agent, before.engine, token="secret")
    world.agent.refuses = {"app1:one:80"}
    world.settle(Connected())
    world.agent.writes.clear()
    world.agent.refuses = set()
    world.later(REFRESH_SECONDS)
    assert world.agent.writes == ["+app1:one:80"]


def test_a_health_that_changed_meanwhile_comes_with_the_new_token(clock: Clock) -> None:
    before = World(clock, FakeAgent())
    one = before.engine.add("one", State=health("starting"))
    before.settle(Connected())
    world = World(clock, before.agent, before.engine, token="secret")
    world.agent.writes.clear()
    world.engine.documents[one]["State"] = health("healthy")
    world.settle(Connected())
    assert world.agent.writes == ["+app1:one:80", "?app1:one:80"]


def test_an_agent_that_does_not_know_the_token_is_asked_until_it_does(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    world = World(clock, FakeAgent(), token="secret", retry_attempts=1)
    world.agent.away = True
    one = world.engine.add("one")
    two = world.engine.add("two")
    world.agent.present = {"app1:two:80": orphan("app1:two:80", two)}
    with caplog.at_level(logging.WARNING):
        world.settle(Connected())
        world.agent.away, world.agent.knows_token = False, False
        for _ in range(5):
            world.later(REFRESH_SECONDS)
    (said,) = [line for line in caplog.messages if "token" in line]
    assert "does not accept this registrator's token (ACL not found)" in said
    assert "secret" not in caplog.text
    del world.engine.documents[two]
    world.settle(died(two))
    world.agent.knows_token = True
    world.later(REFRESH_SECONDS)
    assert world.registered == {"app1:one:80"}
    assert one in world.engine.documents


def test_what_the_agent_hides_is_not_taken_for_gone(clock: Clock) -> None:
    world = World(clock, FakeAgent(), token="secret")
    one = world.engine.add("one")
    world.settle(Connected())
    # What a token may not read it may not write either.
    world.agent.hides = world.agent.refuses = {"app1:one:80"}
    world.later(REFRESH_SECONDS)
    world.settle(died(one))
    world.later(REFRESH_SECONDS)
    assert world.registered == {"app1:one:80"}
    world.agent.hides = world.agent.refuses = set()
    world.later(REFRESH_SECONDS)
    assert world.registered == set()


def test_a_stop_signal_takes_it_out_before_it_is_dead(world: World) -> None:
    one = world.engine.add("one")
    world.settle(Connected())
    world.settle(Event(one, Change.SIGNALLED, 15))
    assert world.registered == set()
    world.later(REFRESH_SECONDS)
    assert world.registered == set()


def test_what_starts_and_stops_meanwhile_does_not_wait_for_consul(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopping, started_then, done = world.engine.add("stopping"), world.engine.add("three"), []
    world.settle(started(stopping))
    first, second = world.engine.add("one"), world.engine.add("two")
    write, inspect = world.agent._written, world.inspector.inspect

    def written(text: str, service_id: str) -> None:
        write(text, service_id)
        done.append(text)
        if text == "+app1:one:80":
            world.inbox.put(started(started_then))
            world.inbox.put(Event(stopping, Change.SIGNALLED, 15))

    def inspected_too(container_id: str) -> None:
        done.append(container_id[:5])
        inspect(container_id)

    monkeypatch.setattr(world.agent, "_written", written)
    monkeypatch.setattr(world.inspector, "inspect", inspected_too)
    monkeypatch.setattr(world.inspector, "free", lambda now: True)
    world.settle(started(first), started(second))
    inspections = ["one00", "two00"]
    assert done == [*inspections, "+app1:one:80", "-app1:stopping:80", "three", "+app1:two:80", "+app1:three:80"]


def test_a_container_that_survives_its_stop_signal_is_registered_again(world: World) -> None:
    one = world.engine.add("one")
    world.settle(Connected())
    world.settle(Event(one, Change.SIGNALLED, 15))
    world.later(12)
    assert world.registered == {"app1:one:80"}


def test_what_died_while_docker_was_away_is_taken_out(world: World) -> None:
    one = world.engine.add("one")
    world.settle(Connected())
    del world.engine.documents[one]
    world.settle(Connected())
    assert world.registered == set()


def test_a_failed_container_keeps_its_service_on_success_only(clock: Clock) -> None:
    world = World(clock, FakeAgent(), deregister_failed=False)
    one = world.engine.add("one")
    world.settle(Connected())
    world.engine.documents[one]["State"] = {"Running": False, "ExitCode": 1}
    world.settle(died(one, 1))
    world.settle(Connected())
    assert world.registered == {"app1:one:80"}
    world.engine.documents[one]["State"] = {"Running": True}
    world.settle(started(one), died(one, 0))
    assert world.registered == set()


@pytest.mark.parametrize("cleanup", [True, False])
def test_a_failed_container_that_is_removed_keeps_its_service_until_cleanup(clock: Clock, cleanup: bool) -> None:
    world = World(clock, FakeAgent(), deregister_failed=False, cleanup=cleanup)
    one = world.engine.add("one")
    world.settle(Connected())
    world.settle(died(one, 1))
    del world.engine.documents[one]
    world.settle(Connected())
    assert world.registered == (set() if cleanup else {"app1:one:80"})


def test_without_cleanup_a_service_of_a_container_never_seen_stays(world: World) -> None:
    world.agent.present["app1:old:80"] = orphan("app1:old:80", "old")
    world.settle(Connected())
    world.later(REFRESH_SECONDS)
    assert world.registered == {"app1:old:80"}


def test_cleanup_removes_this_hosts_orphans_and_nobody_elses(clock: Clock) -> None:
    world = World(clock, FakeAgent(), cleanup=True)
    world.engine.add("one")
    world.agent.present = {
        "app1:old:80": orphan("app1:old:80", "old"),
        "app1:alike:80": foreign("app1:alike:80"),
        "app2:old:80": foreign("app2:old:80", **{MARK_HOST: "app2"}),
    }
    world.settle(Connected())
    world.later(REFRESH_SECONDS)
    assert world.registered == {"app1:one:80", "app1:alike:80", "app2:old:80"}


def test_cleanup_keeps_failed_containers_on_success_only(clock: Clock) -> None:
    world = World(clock, FakeAgent(), cleanup=True, deregister_failed=False)
    failed = world.engine.add("failed", State={"Running": False, "ExitCode": 1})
    ended = world.engine.add("ended", State={"Running": False, "ExitCode": 0})
    world.agent.present = {"a": orphan("a", failed), "b": orphan("b", ended), "c": orphan("c", "gone")}
    world.agent.present["other"] = foreign("other")
    world.settle(Connected())
    world.later(REFRESH_SECONDS)
    assert world.registered == {"a", "other"}
    assert "" not in world.engine.inspected


def test_nothing_is_cleaned_up_while_docker_cannot_say_what_runs(clock: Clock) -> None:
    world = World(clock, FakeAgent(), cleanup=True)
    one = world.engine.add("one")
    world.agent.present["app1:one:80"] = orphan("app1:one:80", one)
    world.later(REFRESH_SECONDS)
    world.engine.away = True
    world.settle(Connected())
    world.later(REFRESH_SECONDS)
    assert world.registered == {"app1:one:80"}


def test_resync_looks_at_everything_again(clock: Clock) -> None:
    world = World(clock, FakeAgent(), resync_seconds=30)
    one = world.engine.add("one")
    world.settle(Connected())
    world.engine.add("one", Config={"Env": ["SERVICE_NAME=new"]})
    world.engine.add("two")
    world.later(30)
    assert world.agent.present["app1:one:80"].name == "new"
    assert "app1:two:80" in world.registered
    assert one in world.engine.documents


def test_pause_takes_out_and_unpause_puts_back(world: World) -> None:
    one = world.engine.add("one")
    world.settle(Connected())
    world.engine.documents[one]["State"] = {"Running": True, "Paused": True}
    world.settle(Event(one, Change.CHANGED))
    assert world.registered == set()
    world.engine.documents[one]["State"] = {"Running": True, "Paused": False}
    world.settle(Event(one, Change.CHANGED))
    assert world.registered == {"app1:one:80"}


def test_a_new_name_is_there_before_the_old_one_goes(world: World) -> None:
    one = world.engine.add("one")
    world.settle(Connected())
    world.agent.writes.clear()
    world.engine.documents[one]["Name"] = "/new"
    world.settle(Event(one, Change.CHANGED))
    assert world.agent.writes == ["+app1:new:80", "-app1:one:80"]


def test_a_network_event_before_the_start_costs_no_look(world: World) -> None:
    world.settle(Connected(), Event(world.engine.add("one"), Change.CHANGED))
    world.engine.inspected.clear()
    two = world.engine.add("two")
    world.settle(Event(two, Change.CHANGED))
    assert world.engine.inspected == []


def test_when_the_lender_of_a_network_dies_the_borrower_is_looked_at(world: World) -> None:
    lender = world.engine.add("lender")
    world.engine.add("borrower", HostConfig={"NetworkMode": f"container:{lender}"})
    world.settle(Connected())
    assert world.agent.present["app1:borrower:80"].address == "172.17.0.9"
    del world.engine.documents[lender]
    world.settle(died(lender))
    assert world.registered == set()


def health(status: str, *outputs: str) -> dict[str, Any]:
    return {"Running": True, "Health": {"Status": status, "Log": [{"Output": output} for output in outputs]}}


def test_a_health_that_changes_is_told_without_registering_again(world: World) -> None:
    one = world.engine.add("one", State=health("starting"))
    world.settle(Connected())
    assert world.agent.present["app1:one:80"].health == Health("critical")
    world.engine.documents[one]["State"] = health("healthy", "old", "fine\n")
    world.settle(Event(one, Change.CHANGED))
    assert world.agent.present["app1:one:80"].health == Health("passing", "fine")
    assert world.agent.writes == ["+app1:one:80", "?app1:one:80"]


def test_a_health_that_stays_is_confirmed_in_time_and_not_more_often(world: World) -> None:
    world.engine.add("one", State=health("healthy", "fine"))
    world.settle(Connected())
    world.agent.writes.clear()
    world.later(CONFIRM_SECONDS - 1)
    assert world.agent.writes == []
    world.later(REFRESH_SECONDS)
    assert world.agent.writes == ["?app1:one:80"]
    world.later(CONFIRM_SECONDS - 1)
    assert world.agent.writes == ["?app1:one:80"]


def test_a_health_that_an_earlier_registrator_told_is_confirmed_at_once(world: World, clock: Clock) -> None:
    world.engine.add("one", State=health("healthy", "fine"))
    world.settle(Connected())
    later = World(clock, world.agent, world.engine)
    world.agent.writes.clear()
    later.settle(Connected())
    later.later(REFRESH_SECONDS)
    assert world.agent.writes == ["?app1:one:80"]


@pytest.mark.parametrize("after", [Health("critical"), Health("passing", "fine")])
def test_an_agent_that_was_away_is_told_every_health_again(world: World, after: Health) -> None:
    world.engine.add("one", State=health("healthy", "fine"))
    world.settle(Connected())
    world.agent.away = True
    world.later(REFRESH_SECONDS)
    world.agent.away = False
    # After its start an agent has the check, either critical or as it was when it was written down.
    world.agent.present["app1:one:80"] = replace(world.agent.present["app1:one:80"], health=after)
    world.agent.writes.clear()
    world.later(REFRESH_SECONDS)
    assert world.agent.writes == ["?app1:one:80"]
    assert world.agent.present["app1:one:80"].health == Health("passing", "fine")


def test_a_check_that_somebody_took_out_is_put_back_with_its_service(world: World) -> None:
    world.engine.add("one", State=health("healthy"))
    world.settle(Connected())
    world.agent.present["app1:one:80"] = replace(world.agent.present["app1:one:80"], health=None)
    world.later(REFRESH_SECONDS)
    assert world.agent.present["app1:one:80"].health == Health("passing")


def test_it_counts_what_happened_and_what_failed(world: World) -> None:
    world.settle(Connected())
    one = world.engine.add("one")
    world.settle(Event(one, Change.STARTED, at=world.clock.now - 0.05))
    world.engine.away = True
    world.settle(Event(one, Change.CHANGED))
    world.engine.away = False
    world.agent.refuses = {"app1:one:80"}
    del world.engine.documents[one]
    world.settle(died(one))
    world.agent.refuses = set()
    world.later(REFRESH_SECONDS)
    text = world.metrics.text().decode()
    for line in (
        'registrator_events_total{change="started"} 1.0',
        'registrator_events_total{change="died"} 1.0',
        'registrator_writes_total{kind="register"} 1.0',
        'registrator_writes_total{kind="deregister"} 1.0',
        'registrator_failures_total{at="refused"} 1.0',
        'registrator_failures_total{at="docker"} 1.0',
        'registrator_event_to_consul_seconds_bucket{le="0.04"} 0.0',
        'registrator_event_to_consul_seconds_bucket{le="0.06"} 1.0',
        "registrator_services 0.0",
    ):
        assert line in text.splitlines(), f"{line}\n{text}"
    world.agent.away = True
    world.later(REFRESH_SECONDS)
    assert 'registrator_failures_total{at="consul"} 1.0' in world.metrics.text().decode()


def test_clocks_that_disagree_give_no_negative_latency(world: World) -> None:
    world.settle(Connected())
    world.settle(Event(world.engine.add("one"), Change.STARTED, at=world.clock.now + 100))
    lines = world.metrics.text().decode().splitlines()
    assert "registrator_event_to_consul_seconds_sum 0.0" in lines
    assert "registrator_event_to_consul_seconds_count 1.0" in lines


def test_it_shows_that_it_still_turns(world: World) -> None:
    world.settle(Connected())
    world.later(REFRESH_SECONDS)
    assert world.loop.last_turn_at == world.clock.now


def test_an_agent_that_keeps_no_notes_is_not_told_them_again_and_again(world: World) -> None:
    world.agent.keeps_notes = False
    one = world.engine.add("one", State=health("healthy", "fine"))
    world.settle(Connected())
    world.agent.writes.clear()
    for _ in range(5):
        world.later(REFRESH_SECONDS)
    assert world.agent.writes == []
    world.engine.documents[one]["State"] = health("healthy", "finer")
    world.settle(Event(one, Change.CHANGED))
    assert world.agent.writes == ["?app1:one:80"]


def test_a_status_that_somebody_else_set_is_set_right_at_the_next_look(world: World) -> None:
    world.engine.add("one", State=health("healthy", "fine"))
    world.settle(Connected())
    present = world.agent.present["app1:one:80"]
    world.agent.present["app1:one:80"] = replace(present, health=Health("critical", "by hand"))
    world.later(REFRESH_SECONDS)
    assert world.agent.present["app1:one:80"].health == Health("passing", "fine")


def drained(world: World) -> str:
    """A container whose service somebody has taken out, after the registrator's last look at the agent."""
    one = world.engine.add("one")
    world.settle(Connected())
    world.agent.out["app1:one:80"] = "rollcall drain"
    return one


def test_a_drained_service_that_changes_stays_out(world: World) -> None:
    one = drained(world)
    world.engine.add("one", Config={"Env": ["SERVICE_TAGS=new"]})
    world.settle(started(one))
    assert world.agent.present["app1:one:80"].tags == ("new",)
    assert world.agent.out == {"app1:one:80": "rollcall drain"}


def test_a_drained_container_that_is_started_again_is_still_out(world: World) -> None:
    one = drained(world)
    world.settle(died(one))
    assert world.agent.out == {}
    world.later(REFRESH_SECONDS)
    world.settle(started(one))
    assert world.agent.out == {"app1:one:80": "rollcall drain"}


def test_a_new_registrator_keeps_what_is_drained(clock: Clock) -> None:
    before = World(clock, FakeAgent())
    drained(before)
    world = World(clock, before.agent, before.engine, token="secret")
    world.settle(Connected())
    assert world.agent.writes[-1] == "+app1:one:80"
    assert world.agent.out == {"app1:one:80": "rollcall drain"}


def test_an_agent_that_lost_its_state_gets_it_back_with_what_was_drained(world: World) -> None:
    drained(world)
    world.later(REFRESH_SECONDS)
    world.agent.present.clear()
    world.agent.out.clear()
    world.later(REFRESH_SECONDS)
    assert world.agent.out == {"app1:one:80": "rollcall drain"}


def test_what_is_back_in_service_stays_there(world: World) -> None:
    one = drained(world)
    world.later(REFRESH_SECONDS)
    world.agent.out.clear()
    world.settle(died(one), started(one))
    assert world.registered == {"app1:one:80"}
    assert world.agent.out == {}


def test_a_drained_container_that_stays_away_is_forgotten(world: World) -> None:
    one = drained(world)
    world.settle(died(one))
    world.later(MEMORY_SECONDS + REFRESH_SECONDS)
    world.settle(started(one))
    assert world.registered == {"app1:one:80"}
    assert world.agent.out == {}


CHECKED = {"Env": ["SERVICE_CHECK_HTTP=/", "SERVICE_CHECK_INTERVAL=1h"]}


def rename(world: World, container_id: str, name: str) -> None:
    world.engine.documents[container_id]["Name"] = f"/{name}"
    world.settle(Event(container_id, Change.CHANGED))


@pytest.mark.parametrize("status", ["passing", "warning", "critical"])
def test_a_renamed_container_keeps_the_status_of_its_check(world: World, status: str) -> None:
    world.settle(Connected(), started(one := world.engine.add("one", Config=CHECKED)))
    world.agent.statuses["app1:one:80"] = status
    rename(world, one, "two")
    assert world.registered == {"app1:two:80"}
    assert world.agent.writes[-2:] == ["+app1:two:80", "-app1:one:80"]
    assert world.agent.statuses["app1:two:80"] == status


def test_a_container_that_takes_a_drained_ones_name_is_in_service_as_before(world: World) -> None:
    one = drained(world)
    new = world.engine.add("two")
    world.settle(started(new), died(one))
    del world.engine.documents[one]
    rename(world, new, "one")
    assert world.registered == {"app1:one:80"}
    assert world.agent.out == {}


def test_a_drained_container_that_is_renamed_stays_out(world: World) -> None:
    one = drained(world)
    rename(world, one, "two")
    assert world.agent.out == {"app1:two:80": "rollcall drain"}


def test_another_container_at_the_same_place_begins_anew(world: World) -> None:
    one = world.engine.add("one", Config=CHECKED)
    world.settle(Connected(), started(one))
    world.agent.statuses["app1:one:80"] = "passing"
    world.settle(started(world.engine.add("two", Config=CHECKED)))
    assert world.agent.statuses["app1:two:80"] == "critical"


def test_other_services_stay_in(world: World) -> None:
    drained(world)
    world.settle(started(world.engine.add("two")))
    assert world.agent.out == {"app1:one:80": "rollcall drain"}


@pytest.mark.parametrize("cleanup", [False, True])
def test_what_no_registrator_would_write_is_cleaned_up_by_itself(clock: Clock, cleanup: bool) -> None:
    world = World(clock, FakeAgent(), cleanup=cleanup)
    one = world.engine.add("one")
    for service_id in ("x/../app1:one:80", "..", "a\nb"):
        world.agent.present[service_id] = orphan(service_id, one)
    # Of a running container, which does not stand for it any more; and of another host.
    world.agent.present["once-asked-for"] = orphan("once-asked-for", one)
    world.agent.present["a//b"] = foreign("a//b", **{MARK_HOST: "app2"})
    world.settle(Connected())
    world.later(REFRESH_SECONDS)
    assert world.registered == {"app1:one:80", "a//b", "a\nb"}
    assert world.agent.writes[0] == "+app1:one:80", "nothing goes before what takes its place"
    writes = list(world.agent.writes)
    world.later(REFRESH_SECONDS)
    assert world.agent.writes == writes, "the agent removes the rest by itself"


def test_a_poisonous_id_stays_until_every_container_was_looked_at(world: World) -> None:
    world.agent.present[".."] = orphan("..", "f" * 64)
    world.engine.away = True
    world.settle(Connected())
    assert ".." in world.registered
    world.engine.away = False
    world.later(REFRESH_SECONDS)
    world.later(REFRESH_SECONDS)
    assert ".." not in world.registered


def test_a_container_whose_inspection_hangs_keeps_nobody_waiting(world: World) -> None:
    world.settle(Connected())
    hanging, dying = world.engine.add("hanging"), world.engine.add("dying")
    world.settle(started(dying))
    world.inspector.hangs.add(hanging)
    other = world.engine.add("other")
    world.settle(started(hanging), started(other), died(dying))
    assert world.registered == {"app1:other:80"}
    world.settle(inspected(world.engine, hanging))
    assert world.registered == {"app1:other:80", "app1:hanging:80"}


def test_what_the_engine_said_of_a_life_that_has_ended_counts_for_nothing(world: World) -> None:
    world.settle(Connected())
    one = world.engine.add("one")
    world.inspector.hangs.add(one)
    world.settle(started(one))
    world.settle(died(one))
    world.settle(inspected(world.engine, one))
    assert world.registered == set()
    world.inspector.hangs.clear()
    world.settle(started(one))
    assert world.registered == {"app1:one:80"}


def test_a_start_after_such_an_end_is_looked_at_when_the_answer_has_come(world: World) -> None:
    world.settle(Connected())
    one = world.engine.add("one")
    world.inspector.hangs.add(one)
    world.settle(started(one))
    world.settle(died(one), started(one))
    world.inspector.hangs.clear()
    world.settle(Inspected(one, error="timed out"))
    assert world.registered == {"app1:one:80"}


def test_a_stop_signal_during_the_first_inspection_counts(world: World) -> None:
    world.settle(Connected())
    one = world.engine.add("one")
    world.inspector.hangs.add(one)
    world.settle(started(one))
    world.settle(Event(one, Change.SIGNALLED, 15))
    world.inspector.hangs.clear()
    world.settle(inspected(world.engine, one))
    assert world.registered == set()


def borrower(world: World, owner: str, name: str = "borrower") -> str:
    return world.engine.add(
        name, HostConfig={"NetworkMode": f"container:{owner}"}, NetworkSettings={"Ports": {}, "Networks": {}}
    )


def test_whoever_borrows_a_network_goes_with_its_owners_stop_signal_and_comes_back_with_it(world: World) -> None:
    owner = world.engine.add("owner")
    first = borrower(world, owner)
    borrower(world, first, "second")
    world.settle(Connected())
    both = {"app1:borrower:80", "app1:second:80"}
    assert world.registered == {"app1:owner:80", *both}
    world.settle(Event(owner, Change.SIGNALLED, 15))
    assert world.registered == set()
    world.later(STOP_MARGIN + 10)
    assert world.registered == {"app1:owner:80", *both}


def test_a_new_network_of_the_owner_is_followed_by_those_who_borrow_it(world: World) -> None:
    owner = world.engine.add("owner")
    borrower(world, owner)
    world.settle(Connected())
    networks = {"Ports": {}, "Networks": {"bridge": {"IPAddress": "172.17.0.77"}}}
    world.engine.documents[owner]["NetworkSettings"] = networks
    world.settle(Event(owner, Change.CHANGED))
    assert world.agent.present["app1:borrower:80"].address == "172.17.0.77"


def test_an_id_in_another_case_waits_until_the_agent_has_let_go_of_the_first(world: World) -> None:
    lower = world.engine.add("lower", Config={"Env": ["SERVICE_ID=web"]})
    world.settle(Connected())
    upper = world.engine.add("upper", Config={"Env": ["SERVICE_ID=WEB"]})
    world.settle(started(upper))
    assert world.registered == {"web"}
    del world.engine.documents[lower]
    world.settle(died(lower))
    world.settle(started(upper))
    assert world.registered == set()
    world.later(REFRESH_SECONDS)
    assert world.registered == {"WEB"}


def test_another_tools_service_in_the_way_is_said_once_and_costs_no_other(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.agent.present["tool"] = foreign("tool")
    asking = world.engine.add("asking", Config={"Env": ["SERVICE_ID=tool"]})
    world.engine.add("other")
    with caplog.at_level(logging.INFO):
        world.settle(Connected())
        world.later(REFRESH_SECONDS)
        world.later(REFRESH_SECONDS)
    assert world.registered == {"tool", "app1:other:80"}
    assert world.agent.writes == ["+app1:other:80"]
    assert caplog.text.count("not registered, tool: the agent has a service tool, named other") == 1
    del world.engine.documents[asking]
    world.settle(died(asking))
    world.later(REFRESH_SECONDS)
    assert world.agent.present["tool"] == foreign("tool")


def test_an_id_that_several_ask_for_is_said_and_moves_on_when_its_owner_goes(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = (
        world.engine.add(
            name, Config={"Env": ["SERVICE_ID=shop"]}, State={"Running": True, "Paused": False, "StartedAt": name}
        )
        for name in ("1st", "2nd")
    )
    with caplog.at_level(logging.INFO):
        world.settle(Connected())
        world.later(REFRESH_SECONDS)
    assert caplog.text.count("ignored, container 2nd (2nd000000000): the id shop is taken by 1st (1st000000000)") == 1
    assert world.agent.present["shop"].meta[MARK_CONTAINER] == first[:12]
    del world.engine.documents[first]
    world.settle(died(first))
    assert world.agent.present["shop"].meta[MARK_CONTAINER] == second[:12]
