"""Retry-After as servers write it."""

from datetime import UTC, datetime, timedelta

import pytest

from rollcall.acme.account import Account, read, written
from rollcall.acme.network import clock_difference, retry_time
from rollcall.acme.order_error import OrderError

NOW = datetime(2026, 11, 29, 8, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("120", NOW + timedelta(seconds=120)),
        ("Sun, 29 Nov 2026 09:00:00 GMT", NOW + timedelta(hours=1)),
        (None, None),
        ("", None),
        ("soon", None),
        ("9" * 30, None),
    ],
)
def test_retry_after(header: str | None, expected: datetime | None) -> None:
    assert retry_time(header, NOW) == expected


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("Sun, 29 Nov 2026 08:00:00 GMT", timedelta()),
        ("Sat, 28 Nov 2026 08:00:00 GMT", timedelta(days=1)),
        ("Mon, 30 Nov 2026 09:00:00 +0100", timedelta(days=-1)),
        (None, timedelta()),
        ("today", timedelta()),
    ],
)
def test_how_far_this_clock_is_ahead(header: str | None, expected: timedelta) -> None:
    assert clock_difference(header, NOW) == expected


def test_an_account_is_read_back_and_its_key_is_not_shown() -> None:
    account = Account('{"kty": "EC"}', "https://acme.example.com/1")
    assert read(written(account)) == account
    assert "EC" not in repr(account)
    with pytest.raises(ValueError):
        read("[]")


def test_a_reason_is_one_line_and_not_a_whole_page() -> None:
    text = str(OrderError("did not match\n<html>" + "x" * 5000))
    assert text.startswith("did not match <html>xxx") and len(text) < 400
    assert str(OrderError("short")) == "short"
