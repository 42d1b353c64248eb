"""What is read from Docker's events, and which signals end a container."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from registrator_documents import container

from rollcall.registrator.docker.events import Change, Event, read_event
from rollcall.registrator.docker.stop_signals import is_stop, stop_signal


def happened(action: str, **attributes: str) -> dict[str, object]:
    return {"Type": "container", "Action": action, "Actor": {"ID": "abc", "Attributes": attributes}}


@pytest.mark.parametrize(
    ("document", "event"),
    [
        (happened("start", image="nginx"), Event("abc", Change.STARTED)),
        (happened("die", exitCode="137"), Event("abc", Change.DIED, 137)),
        (happened("die"), Event("abc", Change.DIED, 0)),
        (happened("kill", signal="15"), Event("abc", Change.SIGNALLED, 15)),
        (happened("pause"), Event("abc", Change.CHANGED)),
        (happened("unpause"), Event("abc", Change.CHANGED)),
        (happened("rename", oldName="/web"), Event("abc", Change.CHANGED)),
        (
            {"Type": "network", "Action": "connect", "Actor": {"ID": "net", "Attributes": {"container": "abc"}}},
            Event("abc", Change.CHANGED),
        ),
        ({"Type": "network", "Action": "connect", "Actor": {"ID": "net", "Attributes": {}}}, None),
        (happened("health_status: unhealthy"), Event("abc", Change.CHANGED)),
        (happened("exec_create: true"), None),
        ("start", None),
        ({}, None),
    ],
)
def test_events_are_read(document: object, event: Event | None) -> None:
    assert read_event(document) == event


@given(st.dictionaries(st.sampled_from(["Type", "Action", "Actor"]), st.none() | st.text() | st.integers()))
def test_no_event_makes_it_raise(document: dict[str, object]) -> None:
    read_event(document)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("SIGTERM", 15),
        ("TERM", 15),
        ("sigquit", 3),
        ("9", 9),
        ("SIGRTMIN+3", 37),
        ("RTMIN+3", 37),
        ("nonsense", 15),
        ("", 15),
        ("SIGRTMIN+x", 15),
    ],
)
def test_stop_signals_in_every_spelling(text: str, number: int) -> None:
    assert stop_signal(text) == number


@pytest.mark.parametrize(("number", "stops"), [(3, True), (15, True), (9, True), (1, False), (10, False), (28, False)])
def test_only_signals_that_end_it_are_stops(number: int, stops: bool) -> None:
    assert is_stop(container(StopSignal="SIGQUIT"), number) is stops
