"""Whether Consul's servers bear that one of them goes for good, or for a while."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from six_hosts import checked

from rollcall.hosts.quorum import pause_refusal, refusal, remarks


def servers(**healthy: bool) -> dict[str, dict[str, Any]]:
    return {name: {"Name": name, "Healthy": well, "Voter": True} for name, well in healthy.items()}


@given(st.lists(st.booleans(), min_size=1, max_size=7))
def test_one_may_go_exactly_while_the_rest_has_a_majority_of_itself(health: list[bool]) -> None:
    found = servers(**{f"c{number}": well for number, well in enumerate(health)})
    rest = health[1:]
    bears = sum(rest) > len(rest) // 2
    assert (refusal("c0", found, "p.py") == "") == bears


@given(st.lists(st.booleans(), min_size=2, max_size=7))
def test_one_may_pause_exactly_while_the_rest_has_a_majority_of_all(health: list[bool]) -> None:
    found = servers(**{f"c{number}": well for number, well in enumerate(health)})
    bears = sum(health[1:]) > len(health) // 2
    assert (pause_refusal("c0", found, "p.py") == "") == bears


def test_a_host_without_a_server_may_always_go() -> None:
    assert refusal("app1", servers(c1=False, c2=False), "p.py") == ""
    assert pause_refusal("app1", servers(c1=False, c2=False), "p.py") == ""


@pytest.mark.parametrize("node", ["c1", "app1"])
def test_nobody_goes_without_a_leader(node: str) -> None:
    assert "rollcall recover p.py" in refusal(node, None, "p.py")
    assert "rollcall status p.py" in pause_refusal(node, None, "p.py")


def test_a_single_server_may_pause_but_not_go() -> None:
    assert pause_refusal("c1", servers(c1=True), "p.py") == ""
    assert refusal("c1", servers(c1=True), "p.py").startswith("c1 is the only Consul server")


def test_the_ill_ones_are_named() -> None:
    sentence = refusal("c1", servers(c1=True, c2=True, c3=False), "p.py")
    assert sentence == (
        "c1 cannot leave: of the 2 Consul servers that stay 2 must be healthy voters, and c3 is not; "
        "see rollcall status p.py"
    )
    learning = servers(c1=True, c2=True, c3=True)
    learning["c3"]["Voter"] = False
    assert "c3 is not" in refusal("c1", learning, "p.py")


def test_an_even_number_of_servers_and_a_last_front_are_remarked() -> None:
    fleet = checked()
    said = remarks(fleet, fleet.member("consul1"))
    assert said == [
        "2 Consul servers stay, and no more of them may fail than of 1; expected 1, 3 or 5 in consul_servers with the "
        "next deploy"
    ]
    assert remarks(fleet, fleet.member("front1")) == [
        "front1 is the only front; clients of the fleet's sites get no response"
    ]
    assert remarks(fleet, fleet.member("app1")) == []
