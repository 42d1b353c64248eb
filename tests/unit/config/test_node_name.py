"""One rule makes a Consul node name of a name in the inventory, or there is a sentence."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollcall.config import node_name, validation
from rollcall.config.fleet import Fleet, RawHost, nowhere
from rollcall.errors import RollcallError


def fleet(*hosts: RawHost) -> Fleet:
    return validation.check("test", hosts, "laptop.example.net", nowhere)


def host(name: str, number: int = 1, **data: object) -> RawHost:
    group = "consul_servers" if number == 1 else "backends"
    return RawHost(name, frozenset({group}), {"address": f"10.0.0.{number}", **data})


@pytest.mark.parametrize(
    ("name", "node"),
    [
        ("app1", "app1"),
        ("App1", "app1"),
        ("app.dc1.example.com", "app-dc1-example-com"),
        ("10.0.0.1", "10-0-0-1"),
        ("fd00::5", "fd00-0000-0000-0000-0000-0000-0000-0005"),
        ("@ssh/host1", "host1"),
        ("@local", "laptop"),
    ],
)
def test_the_rule(name: str, node: str) -> None:
    assert fleet(host(name)).members[0].node == node


def test_the_same_first_label_in_two_domains() -> None:
    both = fleet(host("app.dc1.example.com"), host("app.dc2.example.com", 2))
    assert [member.node for member in both.members] == ["app-dc1-example-com", "app-dc2-example-com"]


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("web server 1", 'set it, as in ("web server 1", {"node": "web-server-1"})'),
        ("münchen", '{"node": "munchen"}'),
        ("user@10.0.0.2", 'name the user apart, as in ("10.0.0.2", {"ssh_user": "user"})'),
        ("web_1", '{"node": "web-1"}'),
        ("日本", '{"node": "host1"}'),
        ("a" * 64, "at most 63"),
        ("-", "expected a DNS label"),
        ("app1/x", '{"node": "app1-x"}'),
    ],
)
def test_a_name_that_consul_cannot_have_is_one_sentence(name: str, hint: str) -> None:
    with pytest.raises(RollcallError, match=re.escape(hint)) as refusal:
        fleet(host(name))
    assert str(refusal.value).startswith("node: got ")


def test_a_node_that_is_set() -> None:
    assert fleet(host("münchen", node="munich")).members[0].node == "munich"
    with pytest.raises(RollcallError, match="node: got 'Munich'; expected a DNS label"):
        fleet(host("münchen", node="Munich"))


def test_two_names_with_one_node_say_what_to_set() -> None:
    with pytest.raises(RollcallError, match=r'the same Consul node name app-1; .*\("app.1", \{"node": "app-1-2"\}\)'):
        fleet(host("app-1"), host("app.1", 2))


@given(st.text(min_size=1, max_size=80))
def test_every_name_is_a_label_or_a_sentence(name: str) -> None:
    node = node_name.of(name, "laptop")
    if why := node_name.problem(node, name):
        assert "\n" not in why or "\n" in name
        suggested = re.search(r'"node": "([^"]*)"', why)
        assert suggested is None or not node_name.problem(suggested[1], name)
    else:
        assert re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", node)
