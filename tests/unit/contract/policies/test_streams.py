"""What the policies of a stream become in nginx's configuration."""

import pytest
from nginx_configuration import parsed

from rollcall.contract.policies import streams, table
from rollcall.contract.policies.policy import Policy
from rollcall.contract.policies.table import Policies

EACH = pytest.mark.parametrize("policy", streams.POLICIES, ids=lambda policy: policy.key)


def server(policies: Policies, *, by_name: bool = False) -> list[list[str]]:
    made = streams.lines(policies, "0" * 16, "db.tcp", by_name=by_name)
    return [[one.name, *one.arguments] for one in parsed("\n".join(made.server)).block]


@EACH
def test_an_example_is_understood_and_its_canonical_text_is_stable(policy: Policy) -> None:
    value = table.parse(policy, policy.example)
    assert value and table.parse(policy, value) == value
    assert server(((policy.key, value),))


@EACH
@pytest.mark.parametrize("value", ["", ";", "a;b", "$host", '"', "{}", "\0", "1\n2", "#", "..", "€", "a" * 600])
def test_what_could_mean_something_to_nginx_is_refused(policy: Policy, value: str) -> None:
    with pytest.raises(ValueError, match=r"^got .*; expected "):
        table.parse(policy, value)


def test_each_policy_has_its_directive() -> None:
    values = {
        "deny": "10.0.0.1/32",
        "allow": "10.0.0.0/8 fd00::/8",
        "max_connections": "20",
        "connect_timeout": "3",
        "read_timeout": "60",
        "proxy_protocol": "on",
    }
    assert server(table.ordered(values, streams.POLICIES)) == [
        ["deny", "10.0.0.1/32"],
        ["allow", "10.0.0.0/8"],
        ["allow", "fd00::/8"],
        ["deny", "all"],
        ["limit_conn", "stream_open_0000000000000000", "20"],
        ["proxy_connect_timeout", "3s"],
        ["proxy_timeout", "60s"],
        ["proxy_protocol", "on"],
    ]


def test_by_name_addresses_decide_where_a_connection_goes() -> None:
    """nginx would check `deny` and `allow` of the port's first server, before it knows the name."""
    policies = (("deny", "10.0.0.1/32"), ("allow", "10.0.0.0/8"))
    made = streams.lines(policies, "0" * 16, "db.tcp", by_name=True)
    assert made.server == () and made.target == "$stream_target_0000000000000000"
    denied, allowed, target = parsed("\n".join(made.before)).block
    assert [[one.name, *one.arguments] for one in denied.block] == [["default", "0"], ["10.0.0.1/32", "1"]]
    assert [[one.name, *one.arguments] for one in allowed.block] == [["default", "0"], ["10.0.0.0/8", "1"]]
    assert [[one.name, *one.arguments] for one in target.block] == [["01", "db.tcp"], ["default", ""]]


def test_by_name_a_denial_alone_lets_all_others_in() -> None:
    made = streams.lines((("deny", "10.0.0.1/32"),), "0" * 16, "db.tcp", by_name=True)
    assert [one.arguments for one in parsed("\n".join(made.before)).block[1].block] == [["1"]]


def test_by_name_without_a_limit_the_upstream_itself_is_the_target() -> None:
    assert streams.lines((("read_timeout", "60"),), "0" * 16, "db.tcp", by_name=True).target == "db.tcp"
