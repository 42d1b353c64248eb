"""What Docker says about a container's health, as Consul is told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from registrator_documents import container, read

from rollcall.registrator.services.health import CONFIRM_SECONDS, MAX_NOTE_LENGTH, TTL_SECONDS, Health, read_health


@pytest.mark.parametrize(
    ("status", "consuls"), [("starting", "critical"), ("unhealthy", "critical"), ("healthy", "passing")]
)
def test_only_healthy_passes(status: str, consuls: str) -> None:
    assert read_health({"Status": status}) == Health(consuls)


@pytest.mark.parametrize("fields", [{}, {"Status": "none"}, {"Status": ""}, {"Status": 1}])
def test_without_a_healthcheck_there_is_no_health(fields: dict[str, object]) -> None:
    assert read_health(fields) is None
    assert read(container("80/tcp")).services[0].container.health is None


def test_the_note_is_the_last_output() -> None:
    log = [{"Output": "first"}, {"Output": " last\n"}]
    assert read_health({"Status": "unhealthy", "Log": log}) == Health("critical", "last")


def test_a_note_comes_back_from_consul_as_it_was_sent() -> None:
    health = read_health({"Status": "healthy", "Log": [{"Output": "\ud83d" + "😀" * 5000}]})
    assert health
    assert len(health.note) <= MAX_NOTE_LENGTH
    assert len(health.note.encode()) < 4096


def test_two_confirmations_may_be_lost() -> None:
    assert CONFIRM_SECONDS * 3 < TTL_SECONDS


ANYTHING = st.none() | st.integers() | st.text() | st.lists(st.none() | st.text(), max_size=3)


@given(ANYTHING, ANYTHING | st.lists(st.dictionaries(st.sampled_from(["Output", "ExitCode"]), ANYTHING), max_size=3))
def test_nothing_makes_it_raise(status: object, log: object) -> None:
    health = read_health({"Status": status, "Log": log})
    assert health is None or health.status in ("passing", "critical")
