"""`rollcall services` during an outage."""

import pytest

from rollcall.cli.service import listing
from rollcall.config.inventory import Host
from rollcall.errors import RollcallError
from rollcall.services.listing import HostServices

APP1, APP2 = (Host(name, "local", name) for name in ("app1", "app2"))


@pytest.fixture(autouse=True)
def lost(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The names of hosts that do not respond."""
    names: set[str] = set()

    def look(host: Host, _token: str) -> HostServices:
        if host.name in names:
            raise RollcallError(f"ssh to {host.name} failed")
        return HostServices(host.name, (), {}, {})

    monkeypatch.setattr(listing, "_look", look)
    monkeypatch.setattr(listing.connectivity, "check", lambda _hosts: None)
    return names


def test_a_lost_host_hides_no_other(lost: set[str]) -> None:
    lost.add("app2")
    seen, unread = listing._look_at_all([APP1, APP2], "token")
    assert [one.host for one in seen] == ["app1"]
    assert unread == ["app2: ssh to app2 failed"]


def test_nothing_is_shown_if_no_host_responds(lost: set[str]) -> None:
    lost.update(("app1", "app2"))
    with pytest.raises(RollcallError, match="app1: ssh to app1 failed; app2: ssh to app2 failed"):
        listing._look_at_all([APP1, APP2], "token")
