"""How long an order waits for a zone's name servers."""

import dns.exception
import dns.name
import dns.resolver
import pytest

from rollcall.acme import name_servers
from rollcall.acme.order_error import OrderError

RECORD = "_acme-challenge.shop.example.com"


@pytest.fixture(autouse=True)
def zone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two servers, in a zone that the record's alias leads to."""
    monkeypatch.setattr(dns.resolver, "canonical_name", lambda record: dns.name.from_text("shop.acme.example.net"))
    monkeypatch.setattr(dns.resolver, "zone_for_name", lambda name: dns.name.from_text("acme.example.net"))
    monkeypatch.setattr(name_servers, "_addresses", lambda zone: iter(("192.0.2.1", "192.0.2.2")))
    monkeypatch.setattr(name_servers, "PAUSE_SECONDS", 0)


def test_it_asks_each_server_until_it_has_the_record(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str]] = []

    def lacks(address: str, name: dns.name.Name, value: str) -> bool:
        asked.append((address, name.to_text()))
        return address == "192.0.2.2" and len(asked) < 4

    monkeypatch.setattr(name_servers, "_lacks", lacks)
    name_servers.wait(RECORD, "value")
    assert [address[-1] for address, _ in asked] == ["1", "2", "2", "2"]
    assert {name for _, name in asked} == {"shop.acme.example.net."}


def test_a_server_without_the_record_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(name_servers, "_lacks", lambda address, *_: address == "192.0.2.2")
    monkeypatch.setattr(name_servers, "TIMEOUT_SECONDS", 0.0)
    with pytest.raises(
        OrderError, match=rf"^the name server 192\.0\.2\.2 does not have the record {RECORD} after 0 s$"
    ):
        name_servers.wait(RECORD, "value")


def test_a_zone_that_nobody_here_knows_is_left_to_the_authority(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(name: dns.name.Name) -> dns.name.Name:
        raise dns.resolver.NoNameservers

    monkeypatch.setattr(dns.resolver, "zone_for_name", unknown)
    monkeypatch.setattr(name_servers, "_lacks", lambda *_: True)
    name_servers.wait(RECORD, "value")


def test_a_server_that_does_not_respond_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(*_: object, **__: object) -> None:
        raise dns.exception.Timeout

    monkeypatch.setattr(name_servers.dns.query, "udp_with_fallback", silent)
    name_servers.wait(RECORD, "value")
