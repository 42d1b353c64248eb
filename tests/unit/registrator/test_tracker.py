"""Who is in and who is out, as containers start, stop, fail and survive."""

import pytest
from registrator_documents import container, read

from rollcall.registrator.docker.container import Container
from rollcall.registrator.tracker import STOP_MARGIN, Clash, Fleet

WEB = container("80/tcp", StopTimeout=30)
ID = "app1:web-1:80"


@pytest.fixture
def fleet() -> Fleet:
    fleet = Fleet(keep_failed=False)
    saw(fleet, WEB)
    return fleet


def saw(fleet: Fleet, made: Container) -> list[str]:
    fleet.saw(made, read(made))
    return [one.text for one in fleet.news()]


def test_a_running_container_is_in(fleet: Fleet) -> None:
    assert list(fleet.desired()) == [ID]
    assert WEB.id in fleet


def test_a_stop_signal_takes_it_out_at_once(fleet: Fleet) -> None:
    assert fleet.signalled(WEB.id, 15, now=100) == [ID]
    assert fleet.desired() == {}
    assert ID in fleet.released


def test_another_signal_changes_nothing(fleet: Fleet) -> None:
    assert fleet.signalled(WEB.id, 1, now=100) == []
    assert list(fleet.desired()) == [ID]


def test_one_that_survives_its_stop_signal_is_put_back_after_its_time(fleet: Fleet) -> None:
    fleet.signalled(WEB.id, 15, now=100)
    assert fleet.survivors(100 + 30) == []
    assert fleet.next_survivor() == 100 + 30 + STOP_MARGIN
    assert fleet.survivors(100 + 30 + STOP_MARGIN) == [WEB.id]
    assert list(fleet.desired()) == [ID]


def test_looking_at_it_while_it_stops_does_not_put_it_back(fleet: Fleet) -> None:
    fleet.signalled(WEB.id, 15, now=100)
    saw(fleet, WEB)
    assert fleet.desired() == {}


def test_a_new_process_ends_the_stopping_even_if_nobody_saw_the_old_one_die(fleet: Fleet) -> None:
    fleet.signalled(WEB.id, 15, now=100)
    saw(fleet, container("80/tcp", State={"Running": True, "StartedAt": "later"}))
    assert list(fleet.desired()) == [ID]


def test_one_that_died_is_out_and_forgotten(fleet: Fleet) -> None:
    assert fleet.died(WEB.id, 1) == [ID]
    assert fleet.desired() == {}
    assert WEB.id not in fleet


@pytest.mark.parametrize(
    ("exit_code", "stays"), [(0, False), (1, True), (127, True), (128, False), (137, False), (143, False)]
)
def test_on_success_keeps_only_those_that_failed_by_themselves(exit_code: int, stays: bool) -> None:
    fleet = Fleet(keep_failed=True)
    saw(fleet, WEB)
    fleet.died(WEB.id, exit_code)
    assert (list(fleet.desired()) == [ID]) is stays
    assert fleet.failed(WEB.id) is stays


def test_on_success_takes_out_one_that_was_told_to_stop() -> None:
    fleet = Fleet(keep_failed=True)
    saw(fleet, WEB)
    fleet.signalled(WEB.id, 15, now=100)
    fleet.died(WEB.id, 1)
    assert fleet.survivors(now=200) == []
    assert fleet.desired() == {}


def test_two_containers_that_want_one_id() -> None:
    fleet = Fleet(keep_failed=False)
    first = container("80/tcp", Id="1" * 64, Name="/one", env={"SERVICE_ID": "web"})
    second = container("80/tcp", Id="2" * 64, Name="/two", env={"SERVICE_ID": "web"})
    assert saw(fleet, first) == []
    assert saw(fleet, second) == ["the id web is taken by one (111111111111)"]
    assert fleet.clashes() == [Clash(second, "web", first)]
    assert fleet.desired()["web"].container.name == "one"
    fleet.died(first.id, 0)
    assert fleet.desired()["web"].container.name == "two"
    assert fleet.clashes() == []


def test_ids_that_differ_only_in_case_are_one_id() -> None:
    fleet = Fleet(keep_failed=False)
    first = container("80/tcp", Id="1" * 64, Name="/one", env={"SERVICE_ID": "web"})
    second = container("80/tcp", Id="2" * 64, Name="/two", env={"SERVICE_ID": "WEB"})
    saw(fleet, first)
    saw(fleet, second)
    assert list(fleet.desired()) == ["web"]
    assert fleet.died(first.id, 0) == ["web", "WEB"]
    assert list(fleet.desired()) == ["WEB"]


def test_nobody_takes_another_containers_own_id_however_early_it_came() -> None:
    thief = container(
        "80/tcp", Id="0" * 64, Name="/thief", env={"SERVICE_ID": ID}, State={"Running": True, "StartedAt": "earlier"}
    )
    fleet = Fleet(keep_failed=False)
    saw(fleet, thief)
    saw(fleet, WEB)
    assert fleet.desired()[ID].container is WEB
    assert fleet.clashes() == [Clash(thief, ID, WEB)]
    assert fleet.died(thief.id, 0) == [ID]
    assert fleet.desired()[ID].container is WEB


def test_who_has_an_id_does_not_depend_on_the_order_in_which_docker_lists() -> None:
    made = [
        container("80/tcp", Id=f"{number}" * 64, env={"SERVICE_ID": "web"}, State={"Running": True, "StartedAt": at})
        for number, at in enumerate(("2026-02", "2026-01", "2026-03"))
    ]
    for order in (made, made[::-1]):
        fleet = Fleet(keep_failed=False)
        for one in order:
            saw(fleet, one)
        assert fleet.desired()["web"].container is made[1]


def test_what_a_known_container_no_longer_stands_for_may_go(fleet: Fleet) -> None:
    assert fleet.disowned({"x/../y": WEB.short_id, ID: WEB.short_id, "of-another": "ffffffffffff"}) == {"x/../y"}


def test_a_renamed_container_changes_its_id(fleet: Fleet) -> None:
    ids = fleet.saw(renamed := container("80/tcp", Name="/new"), read(renamed))
    assert ids == [ID, "app1:new:80"]
    assert list(fleet.desired()) == ["app1:new:80"]


def test_remarks_are_told_once(fleet: Fleet) -> None:
    assert saw(fleet, container()) == ["it exposes no port"]
    assert saw(fleet, container()) == []


def test_who_borrows_a_network(fleet: Fleet) -> None:
    saw(fleet, borrower := container("80/tcp", Id="b" * 64, mode=f"container:{WEB.id}"))
    assert fleet.borrowers(WEB.id) == [borrower.id]


def test_ports_keep_their_order(fleet: Fleet) -> None:
    ids = fleet.saw(made := container("80/tcp", "443/tcp"), read(made))
    assert ids == [ID, "app1:web-1:443"]


def test_one_that_does_not_want_to_be_drained_stays_until_it_dies() -> None:
    fleet = Fleet(keep_failed=False)
    saw(fleet, made := container("80/tcp", env={"SERVICE_DRAIN": "false"}))
    fleet.signalled(made.id, 15, now=100)
    assert list(fleet.desired()) == [ID]
    fleet.died(made.id, 0)
    assert fleet.desired() == {}


def test_one_port_of_a_container_may_stay_while_the_other_is_drained() -> None:
    fleet = Fleet(keep_failed=False)
    saw(fleet, made := container("80/tcp", "443/tcp", env={"SERVICE_443_DRAIN": "0"}))
    fleet.signalled(made.id, 15, now=100)
    assert list(fleet.desired()) == ["app1:web-1:443"]
