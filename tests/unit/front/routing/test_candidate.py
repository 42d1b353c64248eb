"""What a front keeps of a loss outlives its container."""

from datetime import UTC, datetime

import pytest

from rollcall.front.inputs.catalog import Instance
from rollcall.front.routing.candidate import kept_of, kept_text
from rollcall.front.routing.losses import Kept

NOW = datetime(2026, 11, 26, 3, tzinfo=UTC)


def test_what_is_kept_is_read_back_as_it_was() -> None:
    instance = Instance(
        "shop-80", "app1:shop:80", "app1", "10.0.0.1", 80, ("http",), (("virtual_host", "a.example.com"),)
    )
    kept = (Kept(instance, NOW),)
    assert kept_of(kept_text(kept)) == kept


@pytest.mark.parametrize("text", ["", "{", "[1]", '[{"instance": {}, "since": "now"}]'])
def test_what_cannot_be_read_is_nothing(text: str) -> None:
    assert kept_of(text) == ()
