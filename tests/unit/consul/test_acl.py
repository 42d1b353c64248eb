"""Consul's ACLs: create missing ones, correct those changed by hand, leave users' own alone."""

import dataclasses
import json
from typing import Any

import pytest

from rollcall.components import access
from rollcall.config.fleet import Fleet
from rollcall.consul.acl import ANONYMOUS, INITIAL, AccessControl, Listed, Policy, listed, removals, requests
from rollcall.consul.curl import configuration, responses
from rollcall.secrets.store import Secrets
from rollcall.secrets.tokens import Tokens
from rollcall.sections import MARKER


@pytest.fixture
def wanted(fleet: Fleet, secret: Secrets) -> AccessControl:
    return access.desired(fleet, secret)


def as_listed(wanted: AccessControl) -> Listed:
    """Consul's lists once everything exists, with its own policy, its own tokens and a user's."""
    policies: list[dict[str, Any]] = [
        {"ID": f"id-{one.name}", "Name": one.name, "Hash": one.hash} for one in wanted.policies
    ]
    tokens: list[dict[str, Any]] = [
        {
            "AccessorID": one.accessor,
            "Description": one.description,
            "Policies": [{"Name": name} for name in one.policies],
        }
        for one in wanted.tokens
    ]
    return Listed(
        [*policies, {"ID": "m", "Name": "global-management", "Hash": "x"}, {"ID": "u", "Name": "ours", "Hash": "y"}],
        [
            *tokens,
            {"AccessorID": ANONYMOUS, "Description": "Anonymous Token"},
            {"AccessorID": "first", "Description": INITIAL, "Policies": [{"Name": "global-management"}]},
            {"AccessorID": "user", "Description": "of a user", "Policies": [{"Name": "ours"}]},
        ],
    )


def said(wanted: AccessControl, found: Listed, own: str = "") -> list[str]:
    return [request.text for request in requests(wanted, found, own)]


def test_nothing_is_done_where_all_is_there(wanted: AccessControl) -> None:
    assert said(wanted, as_listed(wanted)) == []
    assert said(wanted, as_listed(wanted), "first") == []


def test_a_new_cluster_gets_policies_before_the_tokens_that_carry_them(wanted: AccessControl) -> None:
    made = requests(wanted, Listed([], []))
    kinds = [request.path for request in made]
    assert kinds == ["/v1/acl/policy"] * len(wanted.policies) + ["/v1/acl/token"] * len(wanted.tokens)
    names = {json.loads(request.body)["Name"] for request in made[: len(wanted.policies)]}
    assert {"rollcall-front", "rollcall-agent-app1", "rollcall-registrator-front1"} <= names


def test_the_digest_of_a_policy_is_consuls_own() -> None:
    """The hash that Consul 1.22.7 lists for this policy; with another, each deploy would rewrite all policies."""
    rules = (
        'node_prefix    "" { policy = "read" }\n'
        'service_prefix "" { policy = "read" }\n'
        'query_prefix   "" { policy = "read" }\n'
    )
    policy = Policy("rollcall-dns", rules)
    assert policy.description == "Rollcall: changes made by hand are undone by the next deploy"
    assert policy.hash == "0ZJRk+4YBi5FvabLQc5D6v+4IiE9xScEx25ctPZDCz8="


def test_a_policy_edited_by_hand_is_written_again(wanted: AccessControl) -> None:
    found = as_listed(wanted)
    found.policies[0]["Hash"] = "other"  # type: ignore[index]
    (request,) = requests(wanted, found)
    assert request.text == "write policy rollcall-operator (it was changed)"
    assert (request.method, request.path) == ("PUT", "/v1/acl/policy/id-rollcall-operator")


@pytest.mark.parametrize(
    "rights",
    [
        {"Policies": []},
        {"Policies": [{"Name": "global-management"}]},
        {"Policies": None, "ServiceIdentities": [{"ServiceName": "web"}]},
        {"Roles": [{"Name": "admin"}]},
    ],
)
def test_a_token_whose_rights_were_changed_is_corrected(wanted: AccessControl, rights: dict[str, Any]) -> None:
    found = as_listed(wanted)
    found.tokens[0].update(rights)  # type: ignore[attr-defined]
    (request,) = requests(wanted, found)
    assert request.text.endswith("(its rights were changed)")
    assert json.loads(request.body)["Policies"] == [{"Name": "rollcall-operator"}]


def test_the_anonymous_token_keeps_no_rights(wanted: AccessControl) -> None:
    found = as_listed(wanted)
    (anonymous,) = (one for one in found.tokens if one["AccessorID"] == ANONYMOUS)
    anonymous["Policies"] = [{"Name": "ours"}]  # type: ignore[index]
    (request,) = requests(wanted, found)
    assert request.path == f"/v1/acl/token/{ANONYMOUS}"
    assert "Policies" not in json.loads(request.body)


def test_what_belonged_to_a_host_that_is_gone_goes(fleet: Fleet, secret: Secrets, wanted: AccessControl) -> None:
    smaller = access.desired(dataclasses.replace(fleet, members=fleet.members[:-1]), secret)
    assert said(smaller, as_listed(wanted)) == [
        "remove token the agent of front1: its own node",
        "remove token the registrator of front1: services, registered with its own agent",
        "remove policy rollcall-agent-front1",
        "remove policy rollcall-registrator-front1",
    ]


def test_hosts_that_left_the_inventory_are_named(fleet: Fleet, wanted: AccessControl) -> None:
    found = as_listed(wanted)
    assert access.hosts_left_out(fleet, found) == []
    kept = tuple(one for one in fleet.members if one.name not in ("app2", "app1"))
    smaller = dataclasses.replace(fleet, members=kept)
    assert access.hosts_left_out(smaller, found) == ["app1", "app2"]


def test_rotation_makes_the_next_tokens_beside_those_in_use_and_takes_the_old_ones_last(
    fleet: Fleet, secret: Secrets, wanted: AccessControl
) -> None:
    following = Tokens(b"next")
    both = access.desired(fleet, dataclasses.replace(secret, other_tokens=(following,)))
    made = requests(both, as_listed(wanted))
    assert {request.method for request in made} == {"PUT"}
    assert len(made) == len(wanted.tokens) + 1  # and the management token, which the servers made before
    after = access.desired(fleet, dataclasses.replace(secret, tokens=following))
    removed = requests(after, as_listed(both), following.accessor("management"))
    assert {request.method for request in removed} == {"DELETE"}
    assert len(removed) == len(wanted.tokens) + 1
    assert f"remove token {INITIAL}" in [request.text for request in removed]


def test_the_token_in_use_is_never_removed(fleet: Fleet, secret: Secrets, wanted: AccessControl) -> None:
    paths = [request.path for request in requests(wanted, as_listed(wanted), "first")]
    assert "/v1/acl/token/first" not in paths


@pytest.mark.parametrize("answer", ["", "Permission denied", '{"error": "no leader"}', "No cluster leader"])
def test_a_response_that_is_not_a_list_is_none(answer: str) -> None:
    assert listed(answer, "[]") is None
    assert listed("[]", answer) is None


def test_no_secret_is_in_what_is_printed(wanted: AccessControl) -> None:
    made = requests(wanted, Listed([], []))
    for token in wanted.tokens:
        assert token.secret not in repr(wanted)
        assert token.secret not in repr(made)
    assert wanted.management not in repr(wanted)


def test_curl_reads_everything_from_standard_input(wanted: AccessControl) -> None:
    text = configuration(requests(wanted, Listed([], []))[:2], "http://127.0.0.1:8500", "5ec4e7")
    first, second = text.split("\nnext\n")
    for part in (first, second):
        assert 'header = "X-Consul-Token: 5ec4e7"' in part
        assert "request = PUT" in part
    assert 'url = "http://127.0.0.1:8500/v1/acl/policy"' in first


def test_responses_are_separated_by_their_status_lines() -> None:
    one, two = responses(f'{{"ID": 1}}\n{MARKER} 200\nPermission denied\n{MARKER} 403\n')
    assert (one.status, one.body) == (200, '{"ID": 1}')
    assert (two.status, str(two)) == (403, "Permission denied")


def test_a_forgotten_node_loses_its_own_tokens_and_policies_only(wanted: AccessControl) -> None:
    found = as_listed(wanted)
    node = "app1"
    gone = removals(access.policies_of(node), found)
    assert [request.text for request in gone] == [
        f"remove token the agent of {node}: its own node",
        f"remove token the registrator of {node}: services, registered with its own agent",
        f"remove policy rollcall-agent-{node}",
        f"remove policy rollcall-registrator-{node}",
    ]
    assert {request.method for request in gone} == {"DELETE"}
    assert removals(access.policies_of("nobody"), found) == []


def test_a_users_token_with_a_nodes_policy_stays(wanted: AccessControl) -> None:
    node = {"ID": "a", "Name": "rollcall-agent-app1", "Hash": "x"}
    token = {"AccessorID": "user", "Description": "of a user", "Policies": [{"Name": "rollcall-agent-app1"}]}
    gone = removals(access.policies_of("app1"), Listed([node], [token]))
    assert [request.text for request in gone] == ["remove policy rollcall-agent-app1"]
