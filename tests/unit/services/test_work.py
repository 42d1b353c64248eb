"""What a release has to do on a host, and how a dry run tells it."""

from dataclasses import replace
from typing import Any

import inspect_documents
import pytest

from rollcall.config.service import Health, Service
from rollcall.converge.docker_query import EngineState
from rollcall.converge.host_state import EMPTY, HostState
from rollcall.converge.plan import plan
from rollcall.converge.resources import Container
from rollcall.services.work import HostWork, host_work, service_of, slot_of, undeclared, work_of_one

IMAGE = inspect_documents.image("sha256:aaa", "shop:1")
SHOP = Service(name="shop", image="shop:1", count=2, ports=(8000,))
CONTAINERS = tuple(Container(name, "shop:1", "services") for name in SHOP.containers)


def state(*names: str, image: str = "shop:1", **engine: Any) -> HostState:
    """A host with these containers of the component, each made by the declaration or of another image."""
    own = {one.name: replace(one, image=image) for one in CONTAINERS if one.name in names}
    documents = {name: inspect_documents.running(one, IMAGE) for name, one in own.items()}
    components = {**dict.fromkeys(names, "services"), "front": "front"}
    images = dict.fromkeys(("shop:1", "sha256:aaa"), IMAGE)
    networks = {"bridge": inspect_documents.network("bridge")}
    found: EngineState = replace(
        EMPTY,
        containers=documents,
        images=images,
        networks=networks,
        managed=frozenset(components),
        components=components,
        **engine,
    )
    return HostState(found)


def work(here: HostState, service: Service | None = SHOP) -> HostWork:
    services = (service,) if service else ()
    containers = CONTAINERS[: service.count] if service else ()
    return host_work(services, containers, plan(containers, here), here)


def test_a_host_as_declared_has_nothing_to_do() -> None:
    assert not work(state("shop-1", "shop-2"))


def test_what_is_missing_is_created() -> None:
    found = work(state("shop-1"))
    assert [(one.name, one.container, one.ports) for one in found.slots] == [("shop-2", CONTAINERS[1], 1)]
    assert [str(line) for line in found.lines] == ["create container shop-2"]


def test_a_changed_image_is_a_release_with_its_order() -> None:
    found = work(state("shop-1", "shop-2", image="shop:0"))
    assert [one.name for one in found.slots] == ["shop-1", "shop-2"]
    assert str(found.lines[0]).startswith("replace container shop-1 (image: 'shop:0' → 'shop:1'")
    assert "start-first" in str(found.lines[0])


def test_a_container_changed_by_hand_is_replaced_although_its_label_is_right() -> None:
    here = state("shop-1", "shop-2")
    here.engine.containers["shop-1"]["HostConfig"]["Memory"] = 1
    (slot,) = work(here).slots
    assert slot.stale == here.engine.containers["shop-1"]["Id"]


def test_an_interrupted_release_is_finished() -> None:
    found = work(state("shop-1", "shop-2", "shop-2-next"))
    assert [one.name for one in found.slots] == ["shop-2"]
    assert found.lines == ("finish the interrupted release of shop-2",)


def test_fewer_containers_and_undeclared_services_are_removed() -> None:
    found = work(state("shop-1", "shop-2", "shop-3", "cart-1", "cart-1-retired"))
    assert [(one.name, one.container) for one in found.slots] == [("cart-1", None), ("shop-3", None)]
    assert found.lines == ("remove container cart-1", "remove container shop-3")


def test_what_was_kept_of_a_failed_release_is_removed_by_the_next() -> None:
    found = work(state("shop-1", "shop-2", "shop-failed"))
    assert found.failed == ("shop-failed",)
    assert found.slots == ()
    assert found.lines == ("remove container shop-failed",)


def test_losing_a_service_is_said_and_losing_a_container_of_it_is_not() -> None:
    here = state("shop-1", "shop-2", "shop-3", "cart-1", "cart-2-next", "cart-failed")
    assert undeclared("app1", (SHOP,), here) == [
        "app1: cart is no longer declared in services: this deploy removes cart-1, cart-2-next"
    ]
    assert undeclared("app1", (SHOP,), state("shop-1", "cart-failed")) == []


def test_the_slot_and_the_service_of_a_name() -> None:
    for name, slot, service in (
        ("shop-1", "shop-1", "shop"),
        ("shop-1-next", "shop-1", "shop"),
        ("my-shop-12-retired", "my-shop-12", "my-shop"),
    ):
        assert (slot_of(name), service_of(name)) == (slot, service)
    assert service_of("my-shop-failed") == "my-shop"


@pytest.mark.parametrize(("grace", "patience"), [(None, 60), ("90s", 150), ("500ms", 60.5), ("2m", 180)])
def test_the_time_that_a_program_takes_to_start_is_added_to_the_timeout(grace: str | None, patience: float) -> None:
    slow = SHOP.model_copy(update={"health": Health(grace=grace)})
    assert {one.patience for one in work(state(), slow).slots} == {patience}


def test_one_service_alone_touches_no_container_of_another() -> None:
    here = state("shop-1", "shop-2", "web-1", "web-failed", "shop-failed")
    found = work_of_one(SHOP, CONTAINERS, plan(CONTAINERS, here), here, anew=False)
    assert (found.slots, found.failed) == ((), ("shop-failed",))


def test_a_restart_replaces_every_container_by_another_of_the_same_declaration() -> None:
    here = state("shop-1", "shop-2")
    found = work_of_one(SHOP, CONTAINERS, plan(CONTAINERS, here), here, anew=True)
    assert [(one.name, one.container) for one in found.slots] == list(zip(SHOP.containers, CONTAINERS, strict=True))
    assert [one.stale for one in found.slots] == [here.engine.containers[name]["Id"] for name in SHOP.containers]
    assert found.lines[0] == "start container shop-1 anew (start-first)"


def test_only_a_slot_without_any_container_starts_for_the_first_time() -> None:
    assert [one.first for one in work(state()).slots] == [True, True]
    assert [(one.name, one.first) for one in work(state("shop-1", "shop-2-next")).slots] == [("shop-2", False)]
    assert [one.first for one in work(state("shop-1", "shop-2", image="shop:0")).slots] == [False, False]


def test_the_sample_containers_of_earlier_versions_are_released_or_drained() -> None:
    """They had the label of a component of their own."""
    here = state("shop-1", "shop-2", "shop-3", image="shop:0")
    former = {**here.engine.components, **dict.fromkeys(("shop-1", "shop-2", "shop-3"), "backend")}
    here = replace(here, engine=replace(here.engine, components=former))
    found = work(here)
    assert [(one.name, one.container, one.first) for one in found.slots] == [
        ("shop-3", None, False),
        ("shop-1", CONTAINERS[0], False),
        ("shop-2", CONTAINERS[1], False),
    ]
    assert undeclared("app1", (), here) == [
        "app1: shop is no longer declared in services: this deploy removes shop-1, shop-2, shop-3"
    ]
