"""Nothing outside the user's patterns is ever ordered: any container may claim a name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollcall.contract.acme_names import may_order, ordered_names


@pytest.mark.parametrize(
    ("name", "pattern", "expected"),
    [
        ("shop.example.com", "shop.example.com", True),
        ("Shop.Example.com", "*.example.com", True),
        ("a.shop.example.com", "*.example.com", False),
        ("example.com", "*.example.com", False),
        ("shop.example.com.evil.org", "*.example.com", False),
        ("evilexample.com", "*.example.com", False),
        (".example.com", "*.example.com", False),
        ("shop.example.com", "*", False),
        ("shop.example.com", "*.com", False),
    ],
)
def test_a_star_stands_for_one_label(name: str, pattern: str, expected: bool) -> None:
    assert may_order(name, [pattern]) is expected


def test_a_wildcard_can_be_proven_by_dns_alone() -> None:
    wanted = ["*.example.com", "B.example.com", "*.example.org"]
    assert ordered_names(wanted, ["*.example.com"], wildcards=False) == ("b.example.com",)
    assert ordered_names(wanted, ["*.example.com"], wildcards=True) == ("*.example.com", "b.example.com")


@given(st.lists(st.text()))
def test_without_patterns_nothing_is_ordered(names: list[str]) -> None:
    assert ordered_names(names, [], wildcards=True) == ()
