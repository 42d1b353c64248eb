"""Events come before the results of other containers' inspections, and never before those of their own."""

from queue import SimpleQueue

from registrator_loop import died, started

from rollcall.registrator.docker.engine import Connected, Inbox, Inspected, Listed, Message
from rollcall.registrator.docker.events import Event
from rollcall.registrator.message_queue import MessageQueue
from rollcall.registrator.services.network_owner import NetworkOwner


def taken(*messages: Message) -> tuple[list[Event], list[Message]]:
    inbox: Inbox = SimpleQueue()
    for message in messages:
        inbox.put(message)
    queue = MessageQueue(inbox)
    assert queue.wait(0)
    events = queue.take_events()
    others = []
    while queue:
        others.append(queue.take())
    assert queue.take() is None
    assert not queue.wait(0)
    return events, [message for message in others if message]


def test_events_come_before_what_other_containers_wait_for() -> None:
    connected, listed, one = Connected(), Listed(("one",)), Inspected("one")
    events, others = taken(connected, one, started("two"), listed, died("three"))
    assert events == [started("two"), died("three")]
    assert others == [connected, one, listed]


def test_an_event_does_not_overtake_the_inspection_of_its_container() -> None:
    one = Inspected("one")
    events, others = taken(started("one"), one, died("one"), started("two"), started("one"))
    assert events == [started("one"), started("two")]
    assert others == [one, died("one"), started("one")]


def test_an_event_does_not_overtake_the_inspection_of_a_container_on_its_network() -> None:
    user = Inspected("user", owner=NetworkOwner(None, network_chain=("middle", "owner")))
    events, others = taken(user, died("owner"), died("middle"), died("other"))
    assert events == [died("other")]
    assert others == [user, died("owner"), died("middle")]
