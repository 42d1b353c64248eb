"""Shares by tag: accepted input, errors, and the description of the current state."""

from fractions import Fraction

import pytest

from rollcall.consul import canary_shares
from rollcall.errors import RollcallError

SERVICES = {"shop-80": ["v1", "v2"], "nginx-80": []}


def test_shares_are_read() -> None:
    assert canary_shares.read(["v2=10", "a=b=0"]) == {"v2": 10, "a=b": 0}
    assert canary_shares.read([]) == {}


@pytest.mark.parametrize("text", ["v2", "v2=", "=10", "v2=10.5", "v2=-1", "v2=101", "v2=10%", "v2=٣"])
def test_an_invalid_share_is_reported_with_the_expected_form(text: str) -> None:
    with pytest.raises(RollcallError, match="expected TAG=PERCENT with an integer from 0 to 100, as in v2=10"):
        canary_shares.read([text])


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (["v2=60", "v3=41"], "got v2=60 and v3=41, 101 % together; expected at most 100"),
        (["v2=1", "v2=2"], "got the tag 'v2' twice"),
    ],
)
def test_more_than_100_percent_and_duplicates_are_rejected(given: list[str], sentence: str) -> None:
    with pytest.raises(RollcallError, match=sentence):
        canary_shares.read(given)


@pytest.mark.parametrize(
    ("service", "tag", "sentence"),
    [
        ("shop-8", "v2", r"the catalog has no service 'shop-8'; did you mean shop-80\?"),
        ("shop-80", "v3", r"no instance of shop-80 has the tag 'v3'; there are v1, v2"),
        ("nginx-80", "v2", "no instance of nginx-80 has the tag 'v2'; there are none"),
    ],
)
def test_names_missing_from_the_catalog_are_rejected(service: str, tag: str, sentence: str) -> None:
    with pytest.raises(RollcallError, match=sentence):
        canary_shares.check({tag: 10}, service, SERVICES)


@pytest.mark.parametrize(
    ("percentages", "instances", "words"),
    [
        ({"v2": Fraction(10)}, [["v2"], ["v1"], []], "shop: v2 10 % (1 instance), the rest 90 % (2 instances)"),
        (
            {"v2": Fraction(10)},
            [["v2"], ["v2"]],
            "shop: v2 100 % (2 instances, 10 % requested), the rest 0 % (0 instances)",
        ),
        (
            {"v2": Fraction(10)},
            [["v1"]],
            "shop: v2 0 % (0 instances, 10 % requested), the rest 100 % (1 instance)",
        ),
        (None, [[]], "shop: no canary; 1 instance has all requests"),
    ],
    ids=["as asked", "nobody else", "nobody with the tag", "no canary"],
)
def test_the_actual_shares_are_printed_even_if_they_differ_from_the_requested(
    percentages: dict[str, Fraction] | None, instances: list[list[str]], words: str
) -> None:
    assert canary_shares.words("shop", percentages, instances) == words
