"""A mass loss in the catalog differs from stopped containers."""

from dataclasses import replace

import pytest
from front_sight import NOW, ago, instance

from rollcall.front.inputs.catalog import Catalog, Instance
from rollcall.front.routing.losses import Retained, losses, with_retained

TEN = [instance(f"web-{number}", port=number + 1) for number in range(10)]


def retained_of(before: list[Instance], after: list[Instance], keep_lost: int = 180) -> set[str]:
    retained = losses(before, (), Catalog(tuple(after)), NOW, keep_lost)
    return {lost.instance.identity for lost in retained}


@pytest.mark.parametrize(
    ("gone", "retained"),
    [(0, 0), (1, 0), (2, 0), (3, 3), (9, 9), (10, 10)],
)
def test_three_or_more_of_ten_lost_at_once_are_retained(gone: int, retained: int) -> None:
    assert len(retained_of(TEN, TEN[gone:])) == retained


def test_one_of_three_is_not_retained() -> None:
    assert not retained_of(TEN[:3], TEN[:2])


def test_two_of_three_lost_at_once_are_retained() -> None:
    assert len(retained_of(TEN[:3], TEN[:1])) == 2


def test_the_last_instance_of_a_service_is_retained() -> None:
    assert retained_of(TEN[:1], []) == {TEN[0].identity}


def test_each_service_counts_by_itself() -> None:
    others = [instance(f"other-{number}", service="other", port=100 + number) for number in range(10)]
    assert not retained_of(TEN + others, TEN[1:] + others[1:])


def test_instances_of_a_down_node_are_lost_too() -> None:
    dead = [replace(instance, state="critical", node_alive=False) for instance in TEN]
    assert len(retained_of(TEN, dead)) == 10


def test_a_failing_check_or_maintenance_is_not_a_loss() -> None:
    assert not retained_of(TEN, [replace(instance, state="critical") for instance in TEN])
    assert not retained_of(TEN, [replace(instance, state="maintenance") for instance in TEN])
    assert not retained_of(TEN, [replace(instance, state="maintenance", node_alive=False) for instance in TEN])


def test_an_instance_whose_address_belongs_to_another_is_not_retained() -> None:
    recreated = [replace(instance, identity=f"app1:new-{instance.port}:80") for instance in TEN]
    assert not retained_of(TEN, recreated)


def test_an_instance_of_a_down_node_does_not_own_its_address() -> None:
    others = [
        replace(instance, identity=f"app9:old-{instance.port}:80", node="app9", node_alive=False) for instance in TEN
    ]
    assert len(retained_of(TEN, others)) == 10


def test_keep_lost_0_retains_nothing() -> None:
    assert not retained_of(TEN, [], keep_lost=0)
    assert not losses((), [Retained(TEN[0], ago(1))], Catalog(()), NOW, 0)


def test_an_instance_is_retained_for_keep_lost_seconds() -> None:
    young, old = Retained(TEN[0], ago(179)), Retained(TEN[1], ago(180))
    assert losses((), [young, old], Catalog(()), NOW, 180) == (young,)


def test_an_instance_that_comes_back_is_not_retained_even_if_critical() -> None:
    retained = [Retained(instance, ago(10)) for instance in TEN[:2]]
    back = Catalog((TEN[0], replace(TEN[1], state="critical")))
    assert losses((), retained, back, NOW, 180) == ()


def test_a_continuing_loss_keeps_its_start() -> None:
    retained = [Retained(instance, ago(10)) for instance in TEN[:3]]
    assert losses(TEN[:3], retained, Catalog(()), NOW, 180) == tuple(retained)


def test_the_rest_of_a_service_lost_later_is_retained_too() -> None:
    first = [Retained(instance, ago(10)) for instance in TEN[:5]]
    both = losses(TEN[5:], first, Catalog(()), NOW, 180)
    assert [lost.instance for lost in both] == TEN
    assert [lost.since for lost in both] == [ago(10)] * 5 + [NOW] * 5


def test_retained_instances_are_in_the_catalog_as_they_were() -> None:
    dead = replace(TEN[0], state="critical", node_alive=False)
    whole = with_retained(Catalog((dead, TEN[2])), [Retained(TEN[0], NOW), Retained(TEN[1], NOW)])
    assert whole.instances == (TEN[0], TEN[1], TEN[2])


def test_a_loss_of_thousands_is_decided_quickly() -> None:
    many = [instance(f"web-{number}", port=number) for number in range(5000)]
    assert len(retained_of(many, many[:2500])) == 2500
