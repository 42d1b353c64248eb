"""Which changes of Consul's version a deploy makes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollcall.consul.versions import refusal

NUMBERS = st.tuples(st.integers(1, 1), st.integers(0, 22), st.integers(0, 30))


def text(version: tuple[int, int, int]) -> str:
    return ".".join(map(str, version))


@pytest.mark.parametrize(
    ("running", "wanted"),
    [
        ("1.21.0", "1.22.7"),
        ("1.20.1", "1.22.0"),
        ("1.22.7", "1.22.7"),
        ("1.22.7", "2.0.1"),
        ("1.21.5", "2.0.1"),
        ("1.22.7", "2.1.0"),
        ("latest", "1.0.0"),
        ("", "1.22.7"),
        ("1.22.7", "sha256"),
    ],
)
def test_these_are_made(running: str, wanted: str) -> None:
    assert refusal(running, wanted) == ""


@pytest.mark.parametrize(
    ("running", "wanted", "why"),
    [
        ("1.22.7", "1.22.6", "an earlier Consul does not read; expected 1.22.7 or later"),
        ("2.0.0", "1.22.7", "expected 2.0.0 or later"),
        ("1.19.2", "1.22.7", "expected at most 1.21 as the next step"),
        ("1.21.0", "2.1.0", "expected at most 2.0 as the next step"),
        ("1.20.0", "2.0.0", "expected at most 1.22 as the next step"),
    ],
)
def test_these_are_refused(running: str, wanted: str, why: str) -> None:
    assert why in refusal(running, wanted)


@given(before=NUMBERS, after=NUMBERS)
def test_never_back_and_never_more_than_two_releases(before: tuple[int, int, int], after: tuple[int, int, int]) -> None:
    allowed = after >= before and after[1] - before[1] <= 2
    assert (refusal(text(before), text(after)) == "") == allowed
