"""Retained instances outlive the front's container."""

from datetime import UTC, datetime

import pytest

from rollcall.front.inputs.catalog import Instance
from rollcall.front.routing.candidate import read_retained, retained_text
from rollcall.front.routing.losses import Retained

NOW = datetime(2026, 11, 26, 3, tzinfo=UTC)


def test_retained_instances_are_read_back_unchanged() -> None:
    instance = Instance(
        "shop-80", "app1:shop:80", "app1", "10.0.0.1", 80, ("http",), (("virtual_host", "a.example.com"),)
    )
    retained = (Retained(instance, NOW),)
    assert read_retained(retained_text(retained)) == retained


@pytest.mark.parametrize("text", ["", "{", "[1]", '[{"instance": {}, "since": "now"}]'])
def test_an_unreadable_text_counts_as_none(text: str) -> None:
    assert read_retained(text) == ()
