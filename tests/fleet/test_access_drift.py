"""Rights that were changed by hand are found and put right, and only those."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from asking import CURL, Answer, Ask, answers, configuration
from deployed import LAB, Fleet, rollcall
from standing import API, kept

from rollcall.access_control import ANONYMOUS
from rollcall.secrets import Secrets

MANAGEMENT = {"Policies": [{"Name": "global-management"}]}


@pytest.fixture
def secrets(fleet: Fleet) -> Secrets:
    return kept()


class Administrator:
    """Somebody with the management token and time on their hands."""

    def __init__(self, fleet: Fleet, secrets: Secrets) -> None:
        self._fleet = fleet
        self._token = secrets.tokens.secret("management")

    def ask(self, method: str, path: str, body: str = "") -> Answer:
        given = configuration([Ask(method, path, body)], API, self._token)
        [answer] = answers(self._fleet.on("consul1", CURL, stdin=given))
        assert answer.status == 200, f"{method} {path}: {answer.body}"
        return answer

    def path_of(self, policy: str) -> str:
        """Give the path by which a policy is changed."""
        return f"/v1/acl/policy/{self.read(f'/v1/acl/policy/name/{policy}')['ID']}"

    def read(self, path: str) -> Any:
        return json.loads(self.ask("GET", path).body)

    def rights(self) -> dict[str, Any]:
        """Give all that Consul goes by, without what counts its changes."""
        policies = {one["Name"]: one["Hash"] for one in self.read("/v1/acl/policies")}
        tokens = {one["AccessorID"]: (one["Description"], one.get("Policies")) for one in self.read("/v1/acl/tokens")}
        names = {key: (text, sorted(one["Name"] for one in given or ())) for key, (text, given) in tokens.items()}
        return {**policies, **names}


@pytest.fixture
def administrator(fleet: Fleet, secrets: Secrets) -> Administrator:
    return Administrator(fleet, secrets)


def edit_a_policy(administrator: Administrator, secrets: Secrets) -> None:
    rules = json.dumps({"Name": "rollcall-front", "Rules": 'key_prefix "" { policy = "write" }'})
    administrator.ask("PUT", administrator.path_of("rollcall-front"), rules)


def remove_a_policy(administrator: Administrator, secrets: Secrets) -> None:
    administrator.ask("DELETE", administrator.path_of("rollcall-operator"))


def remove_what_the_deploy_looks_with(administrator: Administrator, secrets: Secrets) -> None:
    administrator.ask("DELETE", administrator.path_of("rollcall-auditor"))


def give_a_token_more(administrator: Administrator, secrets: Secrets) -> None:
    accessor = secrets.tokens.accessor("registrator", "app1")
    administrator.ask("PUT", f"/v1/acl/token/{accessor}", json.dumps({"AccessorID": accessor, **MANAGEMENT}))


def give_everybody_everything(administrator: Administrator, secrets: Secrets) -> None:
    administrator.ask("PUT", f"/v1/acl/token/{ANONYMOUS}", json.dumps({"AccessorID": ANONYMOUS, **MANAGEMENT}))


def remove_a_token(administrator: Administrator, secrets: Secrets) -> None:
    administrator.ask("DELETE", f"/v1/acl/token/{secrets.tokens.accessor('operator')}")


def leave_a_token_and_a_policy_of_a_host_that_is_gone(administrator: Administrator, secrets: Secrets) -> None:
    policy = {"Name": "rollcall-agent-app9", "Rules": 'node "app9" { policy = "write" }'}
    administrator.ask("PUT", "/v1/acl/policy", json.dumps(policy))
    token = {"Description": "Rollcall: the agent of app9", "Policies": [{"Name": "rollcall-agent-app9"}]}
    administrator.ask("PUT", "/v1/acl/token", json.dumps(token))


CASES: dict[Callable[[Administrator, Secrets], None], tuple[str, ...]] = {
    edit_a_policy: ("write policy rollcall-front (it was changed)",),
    remove_a_policy: (
        "create policy rollcall-operator",
        "write token a person at the command line or the UI: everything but ACLs (its rights were changed)",
    ),
    remove_what_the_deploy_looks_with: ("create policy rollcall-auditor", "write token the deploy's look"),
    give_a_token_more: ("write token the registrator of app1: services, registered with its own agent (its rights",),
    give_everybody_everything: ("write the anonymous token (it was given rights)",),
    remove_a_token: ("create token a person at the command line",),
    leave_a_token_and_a_policy_of_a_host_that_is_gone: (
        "remove token the agent of app9",
        "remove policy rollcall-agent-app9",
    ),
}


@pytest.mark.parametrize("change", CASES, ids=lambda change: change.__name__)
def test_changed_rights_are_put_right(
    fleet: Fleet, administrator: Administrator, secrets: Secrets, change: Callable[[Administrator, Secrets], None]
) -> None:
    before, containers = administrator.rights(), fleet.all_containers()
    change(administrator, secrets)
    assert administrator.rights() != before
    said = " ".join(rollcall("deploy", LAB).split())
    for sentence in CASES[change]:
        assert sentence in said
    assert administrator.rights() == before
    assert fleet.all_containers() == containers


def test_afterwards_there_is_nothing_to_do(fleet: Fleet) -> None:
    assert fleet.deploy().acted == set()


def test_what_users_make_beside_ours_stays(fleet: Fleet, administrator: Administrator) -> None:
    administrator.ask("PUT", "/v1/acl/policy", '{"Name": "mine", "Rules": "key \\"mine\\" { policy = \\"read\\" }"}')
    token = json.loads(administrator.ask("PUT", "/v1/acl/token", '{"Policies": [{"Name": "mine"}]}').body)
    path = f"/v1/acl/token/{token['AccessorID']}"
    try:
        assert fleet.deploy().acted == set()
        assert [one["Name"] for one in administrator.read(path)["Policies"]] == ["mine"]
    finally:
        administrator.ask("DELETE", path)
        administrator.ask("DELETE", administrator.path_of("mine"))
