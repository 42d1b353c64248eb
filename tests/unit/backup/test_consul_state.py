"""Where agents and catalog differ after a restore."""

from typing import Any

from rollcall.backup.consul_state import differences


def service(identity: str, port: int = 80, name: str = "web") -> dict[str, Any]:
    return {"ID": identity, "Service": name, "Address": "10.0.0.1", "Port": port}


def test_the_same_services_differ_in_nothing() -> None:
    agent = {"a": service("a")}
    assert (
        differences(agent, {"Node": {}, "Services": {"a": service("a"), "consul": service("consul", 8300, "consul")}})
        == []
    )
    assert differences({}, None) == []


def test_lost_stale_and_moved_ones_are_named() -> None:
    agent = {"a": service("a"), "b": service("b", 81)}
    catalog = {"Services": {"b": service("b", 82), "c": service("c")}}
    assert differences(agent, catalog) == ["a (10.0.0.1:80)", "b (10.0.0.1:81)", "b (10.0.0.1:82)", "c (10.0.0.1:80)"]
    assert differences(agent, None) == ["a (10.0.0.1:80)", "b (10.0.0.1:81)"]
