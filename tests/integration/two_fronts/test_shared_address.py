"""The address that two fronts share is where somebody serves, and moves within three seconds where nobody does."""

from docker.models.networks import Network
from shared_address import Pair, fleet
from waiting import until

# Seconds. Two are usual, and five where a front hangs; a busy machine takes longer, and that is no fault.
DEADLINE = 20


def test_a_client_reaches_the_first_front(pair: Pair) -> None:
    until(lambda: pair.answers_from("front1"), "an answer of the first", DEADLINE)
    assert pair.holders == ["front1"]


def test_the_address_leaves_a_front_that_does_not_serve_and_stays(pair: Pair) -> None:
    pair.first.web.kill()
    until(lambda: pair.answers_from("front2"), "an answer of the second", DEADLINE)
    assert pair.holders == ["front2"]
    pair.first.web.start()
    until(lambda: pair.first.log.count("Entering BACKUP STATE") == 2, "the first ready to take it", 10)
    assert pair.answers_from("front2")
    assert pair.holders == ["front2"]
    pair.second.web.kill()
    until(lambda: pair.answers_from("front1"), "an answer of the first again", DEADLINE)


def test_the_address_leaves_a_front_that_hangs(pair: Pair) -> None:
    pair.first.web.pause()
    try:
        until(lambda: pair.answers_from("front2"), "an answer of the second", DEADLINE)
    finally:
        pair.first.web.unpause()


def test_a_host_that_is_gone_from_the_network(pair: Pair, network: Network) -> None:
    network.disconnect(pair.first.machine, force=True)
    until(lambda: pair.answers_from("front2"), "an answer of the second", DEADLINE)


def test_keepalived_is_killed_and_its_host_loses_the_address_when_it_is_back(pair: Pair) -> None:
    pair.first.keepalived.kill()
    until(lambda: pair.second.has_the_address, "the address at the second", DEADLINE)
    # Docker itself does not start again what was killed through it.
    pair.first.keepalived.start()
    until(lambda: pair.holders == ["front2"], "the address at the second alone", DEADLINE)
    until(lambda: pair.answers_from("front2"), "an answer of the second", DEADLINE)


def test_keepalived_is_stopped_and_hands_the_address_over(pair: Pair) -> None:
    pair.first.keepalived.stop()
    until(lambda: pair.answers_from("front2"), "an answer of the second", DEADLINE)
    assert pair.holders == ["front2"]


def test_a_third_front_moves_nothing(pair: Pair) -> None:
    for host in (pair.second, pair.first):
        host.is_told(fleet(front3="10.78.0.13"))
        until(lambda host=host: "Reload complete" in host.log, "its new configuration taken up", 10)
    until(lambda: pair.answers_from("front1"), "an answer of the first", DEADLINE)
    assert pair.holders == ["front1"]
    assert pair.first.log.count("Entering MASTER STATE") == 1
    assert "Entering MASTER STATE" not in pair.second.log


def test_without_a_serving_front_no_host_has_the_address_and_the_first_to_serve_gets_it(pair: Pair) -> None:
    for host in (pair.first, pair.second):
        host.web.kill()
    until(lambda: pair.holders == [], "the address at nobody", 10)
    pair.second.web.start()
    until(lambda: pair.answers_from("front2"), "an answer of the second", 10)
    assert pair.holders == ["front2"]


def test_it_has_no_more_rights_than_it_needs(pair: Pair) -> None:
    code, complaint = pair.first.keepalived.exec_run(["touch", "/etc/anything"])
    assert code != 0
    assert b"Read-only file system" in complaint
