"""Percentages by tag, as operators write them into Consul."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollcall.contract import canary


def shares(value: str, *instances: tuple[str, int]) -> list[float]:
    """Shares in percent of instances, each given by its tag ("" for none) and weight."""
    tagged = [((tag,) if tag else (), weight) for tag, weight in instances]
    return [float(share * 100) for share in canary.shares(tagged, canary.read(value))]


@pytest.mark.parametrize(
    ("value", "instances", "expected"),
    [
        ('{"v2": 10}', [("v2", 1), ("", 1)], [10, 90]),
        ('{"v2": 10}', [("v2", 1), ("v2", 1), ("", 1), ("", 2)], [5, 5, 30, 60]),
        ('{"v2": 10, "v3": 0.5}', [("v2", 1), ("v3", 1), ("", 1)], [10, 0.5, 89.5]),
        ("{}", [("v2", 1), ("", 3)], [25, 75]),
        # An unused tag gives its share to the rest.
        ('{"v2": 10}', [("", 1), ("", 1)], [50, 50]),
        ('{"v2": 10, "v3": 20}', [("v2", 1), ("", 1)], [10, 90]),
        # Without a rest the tags divide everything.
        ('{"v2": 10, "v3": 30}', [("v2", 1), ("v3", 1)], [25, 75]),
        # 0 gives nothing, and 100 leaves nothing.
        ('{"v2": 0}', [("v2", 1), ("", 1)], [0, 100]),
        ('{"v2": 100}', [("v2", 1), ("", 1)], [100, 0]),
        ('{"v2": 0}', [("v2", 1)], [0]),
    ],
)
def test_shares(value: str, instances: list[tuple[str, int]], expected: list[float]) -> None:
    assert shares(value, *instances) == expected


def test_an_instance_with_two_of_the_tags_belongs_to_the_first() -> None:
    assert canary.shares([(("b", "a"), 1), ((), 1)], canary.read('{"b": 50, "a": 10}')) == (
        Fraction(1, 10),
        Fraction(9, 10),
    )


@given(
    st.dictionaries(st.sampled_from("abc"), st.integers(1, 33)),
    st.lists(st.tuples(st.sampled_from(["a", "b", "c", "d"]), st.integers(1, 1000)), min_size=1),
)
def test_the_shares_are_the_whole(percentages: dict[str, int], instances: list[tuple[str, int]]) -> None:
    read = {tag: Fraction(value) for tag, value in sorted(percentages.items())}
    assert sum(canary.shares([((tag,), weight) for tag, weight in instances], read)) == 1


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("", "is not JSON"),
        ("v2=10", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ("[10]", "is not a percentage for each tag"),
        ('{"v2": "10"}', "is not a percentage for each tag"),
        ('{"v2": true}', "is not a percentage for each tag"),
        ('{"v2": -1}', "is not a percentage for each tag"),
        ('{"v2": 101}', "is not a percentage for each tag"),
        ('{"v2": NaN}', "is not a percentage for each tag"),
        ('{"v2": 0.001}', "is not a percentage for each tag"),
        ('{"v2": 60, "v3": 60}', "adds up to 120 %"),
    ],
)
def test_a_bad_value_is_one_sentence(value: str, problem: str) -> None:
    with pytest.raises(ValueError, match=f'^{problem}; expected JSON such as {{"v2": 10}}, percentages by tag'):
        canary.read(value)
