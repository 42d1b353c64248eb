"""Which faults happen to whom: repeatable, within what quorum and services bear."""

from itertools import islice

import pytest
from chaos_world import EVERY, SIX, place, worlds
from hypothesis import given, settings
from hypothesis import strategies as st

from rollcall.chaos.faults import FAULTS
from rollcall.chaos.plan import impossible, places_for, plan, refusal, times, within
from rollcall.chaos.planned import Planned, Round, are_bearable
from rollcall.chaos.world import Instance, World

SEEDS = st.integers(0, 9999)
# A fleet takes long to draw.
FEW = settings(max_examples=25)


def rounds(world: World, seed: int, at_once: int, count: int = 30) -> list[Round]:
    return list(islice(plan(world, EVERY, seed, 1024, at_once), count))


def first(world: World, seed: int, count: int = 30) -> list[Planned]:
    return [one for each in rounds(world, seed, 1, count) for one in each.faults]


@FEW
@given(worlds(), SEEDS)
def test_the_same_seed_gives_the_same_faults(world: World, seed: int) -> None:
    assert first(world, seed) == first(world, seed)


def test_other_seeds_give_other_faults() -> None:
    assert len({tuple(one.label for one in first(SIX, seed)) for seed in range(10)}) == 10


@FEW
@given(worlds(), SEEDS)
def test_the_others_keep_the_quorum(world: World, seed: int) -> None:
    servers = [one for one in world.places if one.is_server]
    for one in first(world, seed):
        if one.fault.ends_a_vote and one.place.is_server:
            assert len(servers) - 1 > len(servers) // 2


@FEW
@given(worlds(), SEEDS)
def test_each_service_keeps_an_instance(world: World, seed: int) -> None:
    for one in first(world, seed):
        every = {(host.name, own) for host in world.places for own in host.instances}
        if one.fault.takes_instances:
            left = {own.service for name, own in every if name != one.place.name}
        elif one.fault.container == "*":
            assert one.container in {own.container for own in one.place.instances}
            left = {own.service for name, own in every if (name, own.container) != (one.place.name, one.container)}
        else:
            continue
        assert left == {own.service for _, own in every}


@FEW
@given(worlds(), SEEDS)
def test_a_fault_happens_only_where_it_can(world: World, seed: int) -> None:
    for one in first(world, seed):
        assert one.fault.tools <= one.place.tools
        assert one.container in one.place.running or one.fault.container in ("", "*")
        assert one.fault.name != "disk" or (one.place.free_mib or 0) <= 1024


@FEW
@given(worlds(), SEEDS)
def test_every_kind_that_can_happen_does_before_any_happens_twice(world: World, seed: int) -> None:
    possible = [fault for fault in EVERY if places_for(fault, world, 1024)]
    assert {one.fault.name for one in first(world, seed, len(possible))} == {fault.name for fault in possible}
    assert len(impossible(EVERY, world, 1024)) == len(EVERY) - len(possible)


@FEW
@given(worlds(), SEEDS)
def test_every_fault_has_an_undo_and_says_what_it_is(world: World, seed: int) -> None:
    for one in first(world, seed):
        assert one.undo(world).strip()
        assert one.undo(world) in one.begin(world)
        assert one.where.startswith(one.place.name)


def test_a_fleet_with_one_server_keeps_it() -> None:
    world = World((place("alone", is_server=True, running=frozenset({"consul", "dns"})),))
    assert {one.fault.name for one in first(world, 1)} == {"dns"}
    assert refusal(FAULTS["consul"], world.places[0], world, 1) == (
        "the quorum does not bear the loss of a Consul server"
    )


def test_reasons_are_named_by_host() -> None:
    world = World((place("a", running=frozenset()), place("b", 2, tools=frozenset({"docker"}))))
    assert impossible([FAULTS["dns"]], world, 1024) == [
        "no host for dns (a: dns does not run there; b: it has no setsid)"
    ]


def test_a_disk_with_much_room_is_left_alone() -> None:
    assert refusal(FAULTS["disk"], place("a", free_mib=80_000), SIX, 1024) == (
        "80000 MiB are free there, more than --fill 1024"
    )


def test_the_only_host_of_a_service_is_not_cut_off() -> None:
    world = World((place("a", instances=(Instance("db", "db-1"),)), place("b", 2)))
    assert refusal(FAULTS["cut"], world.places[0], world, 1024) == "no other host serves db"
    assert not refusal(FAULTS["cut"], world.places[1], world, 1024)


@pytest.mark.parametrize(("seconds", "least"), [(0, 1), (60, 2), (600, 10)])
def test_a_time_holds_what_usually_fits(seconds: float, least: int) -> None:
    found = within(plan(SIX, EVERY, 7, 1024), seconds)
    assert len(found) >= least
    assert len(found) == 1 or sum(one.usual_seconds for one in found) <= seconds


@FEW
@given(worlds(), SEEDS, st.integers(2, 4))
def test_faults_at_the_same_time_leave_a_quorum_and_an_instance_of_each_service(
    world: World, seed: int, at_once: int
) -> None:
    every = {(host.name, own) for host in world.places for own in host.instances}
    for one in rounds(world, seed, at_once, 10):
        assert len({own.place.name for own in one.faults}) == len(one.faults) <= at_once
        down = [own for own in one.faults if own.fault.ends_a_vote and own.place.is_server]
        assert len(down) <= max(world.bearable, 0)
        if len(one.faults) > 1:
            silent = {own.place.name for own in one.faults if own.fault.ends_a_vote}
            killed = {(own.place.name, own.container) for own in one.faults}
            left = {own.service for name, own in every if name not in silent and (name, own.container) not in killed}
            assert left == {own.service for _, own in every}


@FEW
@given(worlds(), SEEDS, st.integers(1, 4))
def test_every_kind_happens_before_any_happens_twice_however_many_at_once(
    world: World, seed: int, at_once: int
) -> None:
    possible = {fault.name for fault in EVERY if places_for(fault, world, 1024)}
    found = [own.fault.name for one in rounds(world, seed, at_once, len(possible)) for own in one.faults]
    assert set(found[: len(possible)]) == possible


@FEW
@given(worlds(), SEEDS, st.integers(1, 3), st.integers(1, 3))
def test_each_kind_happens_as_often_as_wanted(world: World, seed: int, at_once: int, count: int) -> None:
    possible = [fault.name for fault in EVERY if places_for(fault, world, 1024)]
    planned = times(plan(world, EVERY, seed, 1024, at_once), count)
    assert sorted(own.fault.name for one in planned for own in one.faults) == sorted(possible * count)


def test_as_many_faults_at_once_happen_as_the_fleet_bears() -> None:
    found = rounds(SIX, 7, 3, 20)
    assert max(len(one.faults) for one in found) == 3
    assert any(len(one.faults) < 3 for one in found)
    assert all(
        [own.fault.hold_seconds for own in one.faults]
        == sorted((own.fault.hold_seconds for own in one.faults), reverse=True)
        for one in found
    )


def at(fault: str, name: str, container: str = "") -> Planned:
    return Planned(FAULTS[fault], next(one for one in SIX.places if one.name == name), container)


@pytest.mark.parametrize(
    "faults",
    [
        (at("consul", "consul1"), at("cut", "consul2")),
        (at("pause", "app1"), at("instance", "app2", "web-1"), at("instance", "app2", "web-2")),
        (at("pause", "app1"), at("consul", "app2")),
        (at("cut", "app1"), at("consul-down", "front1")),
        (at("pause", "app1"), at("consul-template", "front1")),
        (at("wipe", "consul1"), at("pause", "front1")),
    ],
)
def test_what_a_fleet_does_not_bear_at_once(faults: tuple[Planned, ...]) -> None:
    assert not are_bearable(faults, SIX)
    assert all(are_bearable([one], SIX) for one in faults)


@pytest.mark.parametrize(
    "faults",
    [
        (at("cut", "consul1"), at("pause", "app1"), at("instance", "app2", "web-1")),
        (at("wipe", "consul1"), at("front", "front1"), at("dns", "app1", "dns")),
        (at("wipe", "app1"), at("consul-down", "consul1")),
        (at("cut", "front1"), at("pause", "app1")),
    ],
)
def test_what_a_fleet_bears_at_once(faults: tuple[Planned, ...]) -> None:
    assert are_bearable(faults, SIX)
