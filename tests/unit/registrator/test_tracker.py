"""Who is in and who is out, as containers start, stop, fail and survive."""

import pytest
from registrator_documents import container, read

from rollcall.registrator.docker.container import Container
from rollcall.registrator.tracker import STOP_MARGIN, Clash, Tracker

WEB = container("80/tcp", StopTimeout=30)
ID = "app1:web-1:80"


@pytest.fixture
def tracker() -> Tracker:
    tracker = Tracker(keep_failed=False)
    saw(tracker, WEB)
    return tracker


def saw(tracker: Tracker, made: Container) -> list[str]:
    tracker.update(made, read(made))
    return [remark.text for remark in tracker.new_remarks()]


def test_a_running_container_is_in(tracker: Tracker) -> None:
    assert list(tracker.desired()) == [ID]
    assert WEB.id in tracker


def test_a_stop_signal_takes_it_out_at_once(tracker: Tracker) -> None:
    assert tracker.signalled(WEB.id, 15, now=100) == [ID]
    assert tracker.desired() == {}
    assert ID in tracker.released


def test_another_signal_changes_nothing(tracker: Tracker) -> None:
    assert tracker.signalled(WEB.id, 1, now=100) == []
    assert list(tracker.desired()) == [ID]


def test_one_that_survives_its_stop_signal_is_put_back_after_its_time(tracker: Tracker) -> None:
    tracker.signalled(WEB.id, 15, now=100)
    assert tracker.survivors(100 + 30) == []
    assert tracker.next_survivor() == 100 + 30 + STOP_MARGIN
    assert tracker.survivors(100 + 30 + STOP_MARGIN) == [WEB.id]
    assert list(tracker.desired()) == [ID]


def test_looking_at_it_while_it_stops_does_not_put_it_back(tracker: Tracker) -> None:
    tracker.signalled(WEB.id, 15, now=100)
    saw(tracker, WEB)
    assert tracker.desired() == {}


def test_a_new_process_ends_the_stopping_even_if_nobody_saw_the_old_one_die(tracker: Tracker) -> None:
    tracker.signalled(WEB.id, 15, now=100)
    saw(tracker, container("80/tcp", State={"Running": True, "StartedAt": "later"}))
    assert list(tracker.desired()) == [ID]


def test_one_that_died_is_out_and_forgotten(tracker: Tracker) -> None:
    assert tracker.died(WEB.id, 1) == [ID]
    assert tracker.desired() == {}
    assert WEB.id not in tracker


@pytest.mark.parametrize(
    ("exit_code", "stays"), [(0, False), (1, True), (127, True), (128, False), (137, False), (143, False)]
)
def test_on_success_keeps_only_those_that_failed_by_themselves(exit_code: int, stays: bool) -> None:
    tracker = Tracker(keep_failed=True)
    saw(tracker, WEB)
    tracker.died(WEB.id, exit_code)
    assert (list(tracker.desired()) == [ID]) is stays
    assert tracker.failed(WEB.id) is stays


def test_on_success_takes_out_one_that_was_told_to_stop() -> None:
    tracker = Tracker(keep_failed=True)
    saw(tracker, WEB)
    tracker.signalled(WEB.id, 15, now=100)
    tracker.died(WEB.id, 1)
    assert tracker.survivors(now=200) == []
    assert tracker.desired() == {}


def test_two_containers_that_want_one_id() -> None:
    tracker = Tracker(keep_failed=False)
    first = container("80/tcp", Id="1" * 64, Name="/one", env={"SERVICE_ID": "web"})
    second = container("80/tcp", Id="2" * 64, Name="/two", env={"SERVICE_ID": "web"})
    assert saw(tracker, first) == []
    assert saw(tracker, second) == ["the id web is taken by one (111111111111)"]
    assert tracker.clashes() == [Clash(second, "web", first)]
    assert tracker.desired()["web"].container.name == "one"
    tracker.died(first.id, 0)
    assert tracker.desired()["web"].container.name == "two"
    assert tracker.clashes() == []


def test_ids_that_differ_only_in_case_are_one_id() -> None:
    tracker = Tracker(keep_failed=False)
    first = container("80/tcp", Id="1" * 64, Name="/one", env={"SERVICE_ID": "web"})
    second = container("80/tcp", Id="2" * 64, Name="/two", env={"SERVICE_ID": "WEB"})
    saw(tracker, first)
    saw(tracker, second)
    assert list(tracker.desired()) == ["web"]
    assert tracker.died(first.id, 0) == ["web", "WEB"]
    assert list(tracker.desired()) == ["WEB"]


def test_nobody_takes_another_containers_own_id_however_early_it_came() -> None:
    thief = container(
        "80/tcp", Id="0" * 64, Name="/thief", env={"SERVICE_ID": ID}, State={"Running": True, "StartedAt": "earlier"}
    )
    tracker = Tracker(keep_failed=False)
    saw(tracker, thief)
    saw(tracker, WEB)
    assert tracker.desired()[ID].container is WEB
    assert tracker.clashes() == [Clash(thief, ID, WEB)]
    assert tracker.died(thief.id, 0) == [ID]
    assert tracker.desired()[ID].container is WEB


def test_who_has_an_id_does_not_depend_on_the_order_in_which_docker_lists() -> None:
    made = [
        container("80/tcp", Id=f"{number}" * 64, env={"SERVICE_ID": "web"}, State={"Running": True, "StartedAt": at})
        for number, at in enumerate(("2026-02", "2026-01", "2026-03"))
    ]
    for order in (made, made[::-1]):
        tracker = Tracker(keep_failed=False)
        for started in order:
            saw(tracker, started)
        assert tracker.desired()["web"].container is made[1]


def test_what_a_known_container_no_longer_stands_for_may_go(tracker: Tracker) -> None:
    assert tracker.disowned({"x/../y": WEB.short_id, ID: WEB.short_id, "of-another": "ffffffffffff"}) == {"x/../y"}


def test_a_renamed_container_changes_its_id(tracker: Tracker) -> None:
    ids = tracker.update(renamed := container("80/tcp", Name="/new"), read(renamed))
    assert ids == [ID, "app1:new:80"]
    assert list(tracker.desired()) == ["app1:new:80"]


def test_remarks_are_told_once(tracker: Tracker) -> None:
    assert saw(tracker, container()) == ["it exposes no port"]
    assert saw(tracker, container()) == []


def test_who_borrows_a_network(tracker: Tracker) -> None:
    saw(tracker, borrower := container("80/tcp", Id="b" * 64, mode=f"container:{WEB.id}"))
    assert tracker.network_users(WEB.id) == [borrower.id]


def test_ports_keep_their_order(tracker: Tracker) -> None:
    ids = tracker.update(made := container("80/tcp", "443/tcp"), read(made))
    assert ids == [ID, "app1:web-1:443"]


def test_one_that_does_not_want_to_be_drained_stays_until_it_dies() -> None:
    tracker = Tracker(keep_failed=False)
    saw(tracker, made := container("80/tcp", env={"SERVICE_DRAIN": "false"}))
    tracker.signalled(made.id, 15, now=100)
    assert list(tracker.desired()) == [ID]
    tracker.died(made.id, 0)
    assert tracker.desired() == {}


def test_one_port_of_a_container_may_stay_while_the_other_is_drained() -> None:
    tracker = Tracker(keep_failed=False)
    saw(tracker, made := container("80/tcp", "443/tcp", env={"SERVICE_443_DRAIN": "0"}))
    tracker.signalled(made.id, 15, now=100)
    assert list(tracker.desired()) == ["app1:web-1:443"]
