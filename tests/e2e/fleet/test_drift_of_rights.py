"""Rights that were changed by hand are found and put right, and only those."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from asking import Ask
from deployed import LAB, Fleet, rollcall

from rollcall.consul.acl import ANONYMOUS
from rollcall.consul.curl import Response
from rollcall.secrets.store import Secrets

# Agents remember a token's rights for up to 30 s: these two give nobody the means to break what other tests look at.
READS = 'node_prefix "" { policy = "read" }'
MORE = {"Policies": [{"Name": "rollcall-dns"}]}


class Administrator:
    """Somebody with the management token and time on their hands."""

    def __init__(self, fleet: Fleet, secrets: Secrets) -> None:
        self.tokens = secrets.tokens
        self._fleet = fleet

    def ask(self, method: str, path: str, content: object = "") -> Response:
        asked = Ask(method, path, json.dumps(content))
        [answer] = self._fleet.ask("consul1", [asked], self.tokens.secret("management"))
        assert answer.status == 200, f"{method} {path}: {answer.body}"
        return answer

    def read(self, path: str) -> Any:
        return json.loads(self.ask("GET", path).body)

    def path_of(self, policy: str) -> str:
        """Give the path by which a policy is changed."""
        return f"/v1/acl/policy/{self.read(f'/v1/acl/policy/name/{policy}')['ID']}"

    def rights(self) -> dict[str, Any]:
        """Give all that Consul goes by, without what counts its changes."""
        policies = {one["Name"]: one["Hash"] for one in self.read("/v1/acl/policies")}
        tokens = {
            one["AccessorID"]: (one["Description"], sorted(policy["Name"] for policy in one.get("Policies") or ()))
            for one in self.read("/v1/acl/tokens")
        }
        return {**policies, **tokens}


@pytest.fixture
def administrator(fleet: Fleet) -> Administrator:
    return Administrator(fleet, fleet.secrets())


def edit_a_policy(administrator: Administrator) -> None:
    content = {"Name": "rollcall-registrator-front1", "Rules": READS}
    administrator.ask("PUT", administrator.path_of("rollcall-registrator-front1"), content)


def remove_a_policy(administrator: Administrator) -> None:
    administrator.ask("DELETE", administrator.path_of("rollcall-agent-app2"))


def give_a_token_more(administrator: Administrator) -> None:
    accessor = administrator.tokens.accessor("registrator", "app1")
    administrator.ask("PUT", f"/v1/acl/token/{accessor}", {"AccessorID": accessor, **MORE})


def give_everybody_something(administrator: Administrator) -> None:
    content = {"AccessorID": ANONYMOUS, "Description": "Anonymous Token", **MORE}
    administrator.ask("PUT", f"/v1/acl/token/{ANONYMOUS}", content)


def remove_a_token(administrator: Administrator) -> None:
    administrator.ask("DELETE", f"/v1/acl/token/{administrator.tokens.accessor('operator')}")


def leave_what_a_host_had_that_is_gone(administrator: Administrator) -> None:
    rules = 'node "app9" { policy = "write" }'
    administrator.ask("PUT", "/v1/acl/policy", {"Name": "rollcall-agent-app9", "Rules": rules})
    token = {"Description": "Rollcall: the agent of app9", "Policies": [{"Name": "rollcall-agent-app9"}]}
    administrator.ask("PUT", "/v1/acl/token", token)


CHANGES: dict[Callable[[Administrator], None], tuple[str, ...]] = {
    edit_a_policy: ("write policy rollcall-registrator-front1 (it was changed)",),
    remove_a_policy: (
        "create policy rollcall-agent-app2",
        "write token the agent of app2: its own node (its rights were changed)",
    ),
    give_a_token_more: (
        "write token the registrator of app1: services, registered with its own agent (its rights were changed)",
    ),
    give_everybody_something: ("write the anonymous token (it was given rights)",),
    remove_a_token: ("create token a person at the command line or the UI: everything but ACLs",),
    leave_what_a_host_had_that_is_gone: ("remove token the agent of app9", "remove policy rollcall-agent-app9"),
}


def said_by_a_deploy() -> str:
    # With consent: the token of a host that is gone goes, too.
    return " ".join(rollcall("deploy", "--yes", LAB).split())


def test_changed_rights_are_corrected_and_users_own_stay(fleet: Fleet, administrator: Administrator) -> None:
    containers = fleet.all_containers()
    rules = 'key "mine" { policy = "read" }'
    administrator.ask("PUT", "/v1/acl/policy", {"Name": "mine", "Rules": rules})
    mine = json.loads(administrator.ask("PUT", "/v1/acl/token", {"Policies": [{"Name": "mine"}]}).body)
    try:
        before = administrator.rights()
        assert before[mine["AccessorID"]] == ("", ["mine"])
        for change in CHANGES:
            change(administrator)
        said = said_by_a_deploy()
        assert [sentence for sentences in CHANGES.values() for sentence in sentences if sentence not in said] == []
        assert administrator.rights() == before
    finally:
        administrator.ask("DELETE", f"/v1/acl/token/{mine['AccessorID']}")
        administrator.ask("DELETE", administrator.path_of("mine"))
    assert fleet.all_containers() == containers


def test_a_deploy_without_read_access_corrects_that_first(fleet: Fleet, administrator: Administrator) -> None:
    before = administrator.rights()
    administrator.ask("DELETE", administrator.path_of("rollcall-auditor"))
    assert "create policy rollcall-auditor" in said_by_a_deploy()
    assert administrator.rights() == before
    assert fleet.deploy().changed == set()
