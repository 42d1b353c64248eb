"""A mass loss in the catalog is told from containers that were stopped."""

from dataclasses import replace

import pytest
from front_sight import NOW, ago, instance

from rollcall.front.inputs.catalog import Catalog, Instance
from rollcall.front.routing.losses import Kept, losses, with_kept

TEN = [instance(f"web-{number}", port=number + 1) for number in range(10)]


def kept_of(before: list[Instance], after: list[Instance], keep_lost: int = 180) -> set[str]:
    kept = losses(before, (), Catalog(tuple(after)), NOW, keep_lost)
    return {one.instance.identity for one in kept}


@pytest.mark.parametrize(
    ("gone", "kept"),
    [(0, 0), (1, 0), (2, 0), (3, 3), (9, 9), (10, 10)],
)
def test_so_many_of_ten_that_vanish_at_once_are_kept(gone: int, kept: int) -> None:
    assert len(kept_of(TEN, TEN[gone:])) == kept


def test_one_of_three_that_is_stopped_is_not_kept() -> None:
    assert not kept_of(TEN[:3], TEN[:2])


def test_two_of_three_that_vanish_at_once_are_kept() -> None:
    assert len(kept_of(TEN[:3], TEN[:1])) == 2


def test_the_last_of_a_service_is_kept() -> None:
    assert kept_of(TEN[:1], []) == {TEN[0].identity}


def test_each_service_is_judged_by_itself() -> None:
    others = [instance(f"other-{number}", service="other", port=100 + number) for number in range(10)]
    assert not kept_of(TEN + others, TEN[1:] + others[1:])


def test_instances_of_a_node_that_is_not_heard_are_lost_too() -> None:
    dead = [replace(one, state="critical", node_alive=False) for one in TEN]
    assert len(kept_of(TEN, dead)) == 10


def test_who_is_ill_by_its_own_check_or_in_maintenance_is_no_loss() -> None:
    assert not kept_of(TEN, [replace(one, state="critical") for one in TEN])
    assert not kept_of(TEN, [replace(one, state="maintenance") for one in TEN])
    assert not kept_of(TEN, [replace(one, state="maintenance", node_alive=False) for one in TEN])


def test_an_address_that_is_another_instances_now_is_not_kept_for_the_old_one() -> None:
    recreated = [replace(one, identity=f"app1:new-{one.port}:80") for one in TEN]
    assert not kept_of(TEN, recreated)


def test_an_address_is_nobody_elses_while_that_ones_node_is_not_heard() -> None:
    others = [replace(one, identity=f"app9:old-{one.port}:80", node="app9", node_alive=False) for one in TEN]
    assert len(kept_of(TEN, others)) == 10


def test_nothing_is_kept_where_the_setting_forbids_it() -> None:
    assert not kept_of(TEN, [], keep_lost=0)
    assert not losses((), [Kept(TEN[0], ago(1))], Catalog(()), NOW, 0)


def test_what_is_kept_stays_so_for_as_long_as_is_set_and_then_goes() -> None:
    young, old = Kept(TEN[0], ago(179)), Kept(TEN[1], ago(180))
    assert losses((), [young, old], Catalog(()), NOW, 180) == (young,)


def test_who_comes_back_is_the_catalogs_own_again_even_if_it_is_critical() -> None:
    kept = [Kept(one, ago(10)) for one in TEN[:2]]
    back = Catalog((TEN[0], replace(TEN[1], state="critical")))
    assert losses((), kept, back, NOW, 180) == ()


def test_a_loss_that_goes_on_does_not_begin_anew() -> None:
    kept = [Kept(one, ago(10)) for one in TEN[:3]]
    assert losses(TEN[:3], kept, Catalog(()), NOW, 180) == tuple(kept)


def test_the_rest_of_a_service_that_vanishes_later_is_kept_as_well() -> None:
    first = [Kept(one, ago(10)) for one in TEN[:5]]
    both = losses(TEN[5:], first, Catalog(()), NOW, 180)
    assert [one.instance for one in both] == TEN
    assert [one.since for one in both] == [ago(10)] * 5 + [NOW] * 5


def test_the_catalog_with_what_is_kept_has_it_as_it_was() -> None:
    dead = replace(TEN[0], state="critical", node_alive=False)
    whole = with_kept(Catalog((dead, TEN[2])), [Kept(TEN[0], NOW), Kept(TEN[1], NOW)])
    assert whole.instances == (TEN[0], TEN[1], TEN[2])


def test_a_large_loss_is_judged_in_no_time() -> None:
    many = [instance(f"web-{number}", port=number) for number in range(5000)]
    assert len(kept_of(many, many[:2500])) == 2500
