"""Which faults happen to whom: repeatable, within what quorum and services bear."""

from itertools import islice

import pytest
from chaos_world import EVERY, SIX, place, worlds
from hypothesis import given, settings
from hypothesis import strategies as st

from rollcall.chaos.faults import FAULTS
from rollcall.chaos.plan import Planned, impossible, places_for, plan, refusal, within
from rollcall.chaos.world import Instance, World

SEEDS = st.integers(0, 9999)
# A fleet takes long to draw.
FEW = settings(max_examples=25)


def first(world: World, seed: int, count: int = 30) -> list[Planned]:
    return list(islice(plan(world, EVERY, seed, 1024), count))


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
    assert len(found) == 1 or sum(one.fault.usual_seconds for one in found) <= seconds
