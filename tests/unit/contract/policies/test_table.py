"""The table of policies: each takes its example, and nothing that means something to nginx."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollcall.contract import route_metadata
from rollcall.contract.policies import nginx, table
from rollcall.contract.policies.policy import Place, Policy
from rollcall.contract.policies.values import written

EACH = pytest.mark.parametrize("policy", table.POLICIES, ids=lambda policy: policy.key)
HOST = {"virtual_host": "shop.example.com"}
PLACE = Place("0" * 16, sign_in="login-4180.http")


@EACH
def test_an_example_is_understood_and_its_canonical_text_is_stable(policy: Policy) -> None:
    value = table.parse(policy, policy.example)
    assert value and table.parse(policy, value) == value
    policy.lines(value, PLACE)


@EACH
@pytest.mark.parametrize(
    "value", ["", " ", ";", "a;b", "$host", '"', "'", "{}", "\0", "a\nb", "#", "\\", "..", "€", "a" * 600]
)
def test_what_could_mean_something_to_nginx_is_refused(policy: Policy, value: str) -> None:
    with pytest.raises(ValueError, match=r"^got .*; expected "):
        table.parse(policy, value)


@EACH
@given(value=st.text(max_size=30))
def test_no_text_becomes_more_than_a_plain_value(policy: Policy, value: str) -> None:
    try:
        understood = table.parse(policy, value)
    except ValueError:
        return
    assert not set(understood) & set("\"'\\`${};\n\r\0") or policy.key in ("request_headers", "response_headers")
    assert not set(understood) & set('"\\`${}\n\r\0')


def options(**meta: str) -> route_metadata.ProxyOptions:
    found = route_metadata.read(HOST | meta)
    assert found is not None
    return found.options


@pytest.mark.parametrize("policy", [one for one in table.POLICIES if one.access], ids=lambda policy: policy.key)
@pytest.mark.parametrize("value", ["", "nonsense!", table.UNREADABLE, "10.0.0.1/8", "€"])
def test_a_value_that_decides_who_gets_in_and_is_not_understood_closes_the_route(policy: Policy, value: str) -> None:
    found = route_metadata.read(HOST | {policy.meta: value})
    assert found is not None and found.options == route_metadata.CLOSED
    (fault,) = found.faults
    assert fault.startswith(
        f"nobody gets in, since it limits who does and has a value that is not understood: {policy.meta}"
    )


@pytest.mark.parametrize("key", ["virtual_strip", "virtual_proto", "virtual_max_body_size", "virtual_rate_limit"])
def test_any_bad_value_closes_a_route_that_limits_who_gets_in(key: str) -> None:
    """Its requests could reach another route of the same host, which lets everybody in."""
    assert options(virtual_allow="10.0.0.0/8", **{key: "nonsense"}).closed
    with pytest.raises(ValueError, match=f"^{key}: got 'nonsense'; expected "):
        options(**{key: "nonsense"})


@pytest.mark.parametrize(
    ("key", "value"),
    [("virtual_forward_auth_headers", "Remote-User"), ("virtual_forward_auth_login", "https://login.example.com/")],
)
def test_what_is_about_a_sign_in_that_is_missing_closes_the_route(key: str, value: str) -> None:
    """Who writes it expects that visitors sign in."""
    found = route_metadata.read(HOST | {key: value})
    assert found is not None and found.options.closed
    assert f"{key}: got it without forward_auth, so that nobody would have to sign in" in found.faults[0]
    assert not options(**{key: value, "virtual_forward_auth": "login-80/verify"}).closed


def test_a_misspelt_key_closes_the_route() -> None:
    found = route_metadata.read(HOST | {"virtual_alow": "10.0.0.0/8"})
    assert found is not None and found.options.closed
    assert found.faults[0].endswith("virtual_alow: unknown key; did you mean virtual_allow?")


def test_a_policy_needs_a_host() -> None:
    with pytest.raises(ValueError, match=r"^virtual_allow: got no virtual_host beside it"):
        route_metadata.read({"virtual_allow": "10.0.0.0/8"})


def test_an_empty_value_of_another_policy_is_none() -> None:
    assert options(virtual_max_body_size="", virtual_sticky="off").policies == ()


def test_policies_are_in_the_tables_order_and_deny_comes_first() -> None:
    found = options(virtual_allow="10.0.0.0/8", virtual_deny="10.0.0.7", virtual_gzip="off").policies
    assert [key for key, _ in found] == ["deny", "allow", "gzip"]
    assert nginx.lines(found, PLACE).location == ("deny 10.0.0.7/32;", "allow 10.0.0.0/8;", "deny all;", "gzip off;")


def test_a_header_of_the_front_cannot_be_set() -> None:
    for name in (
        "X-Forwarded-For",
        "x-real-ip",
        "X-Request-ID",
        "X-Accel-Redirect",
        "Host",
        "Content-Length",
        "Cookie",
    ):
        with pytest.raises(ValueError, match="expected names and values"):
            table.parse(table.BY_KEY["request_headers"], f"{name}: 1")
    for name in ("X-Accel-Redirect", "Set-Cookie", "Content-Length", "Transfer-Encoding", "Location"):
        with pytest.raises(ValueError, match="expected names and values"):
            table.parse(table.BY_KEY["response_headers"], f"{name}: 1")


def test_headers_of_several_policies_come_together_with_those_that_a_location_would_not_inherit() -> None:
    found = nginx.lines((("basic_auth", "staff"), ("request_headers", "X-Tenant: a")), PLACE).location
    assert 'proxy_set_header Authorization "";' in found and 'proxy_set_header X-Tenant "a";' in found
    assert "proxy_set_header X-Forwarded-For $remote_addr;" in found


def test_a_redirect_needs_an_exact_name() -> None:
    found = route_metadata.read(HOST | {"virtual_redirect_from": "www, old.example.org, shop.example.com"})
    assert found is not None and found.redirects == ("www.shop.example.com", "old.example.org")
    with pytest.raises(ValueError, match="expected an exact name first"):
        route_metadata.read({"virtual_host": "*.example.com", "virtual_redirect_from": "www"})


@pytest.mark.parametrize(
    ("value", "text"),
    [(True, "on"), (False, "off"), (5, "5"), (["a", "b"], "a b"), ({"X-A": "1", "X-B": ""}, "X-A: 1 | X-B: ")],
)
def test_group_data_is_written_as_metadata_is(value: object, text: str) -> None:
    assert written(value) == text


@pytest.mark.parametrize("value", [None, 1.5, [1], {"X-A": 1}, {"X-A": "1 | X-Real-IP: 2"}, object()])
def test_another_type_is_refused(value: object) -> None:
    with pytest.raises(ValueError):
        written(value)
