"""What whoever has one of a host's tokens can do there: what its role is for, and nothing else."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from asking import Ask
from deployed import Fleet
from fleet_snapshot import fleet_snapshot
from forbidden import CATALOG, INSIDE, OWN_SERVICES, WRITES, allowed, nothing
from waiting import until

from rollcall.components.template_files import render
from rollcall.consul.acl import Policy
from rollcall.consul.curl import Response
from rollcall.secrets.store import Secrets
from rollcall.secrets.tokens import Role

# Each on a host that has its token, through that host's own agent.
HOLDERS: dict[Role, str] = {
    "registrator": "app1",
    "agent": "app1",
    "front": "front1",
    "dns": "front1",
    "templates": "front1",
}


@pytest.fixture(scope="module", autouse=True)
def templates_role(fleet: Fleet, secrets: Secrets) -> Iterator[None]:
    """The role that a deploy makes where a host has templates of the user's own; the lab's hosts have none."""
    policy = Policy("rollcall-templates", render("consul/policies/templates.hcl.j2", template_keys=()))
    accessor = secrets.tokens.accessor("templates")
    token = {
        "AccessorID": accessor,
        "SecretID": secrets.tokens.secret("templates"),
        "Policies": [{"Name": policy.name}],
    }
    management = secrets.tokens.secret("management")
    made, _ = fleet.ask(
        "consul1",
        [
            Ask("PUT", "/v1/acl/policy", json.dumps({"Name": policy.name, "Rules": policy.rules})),
            Ask("PUT", "/v1/acl/token", json.dumps(token)),
        ],
        management,
    )
    yield
    identity = json.loads(made.body)["ID"]
    fleet.ask(
        "consul1",
        [Ask("DELETE", f"/v1/acl/token/{accessor}"), Ask("DELETE", f"/v1/acl/policy/{identity}")],
        management,
    )


@pytest.fixture(scope="module")
def before(fleet: Fleet, secrets: Secrets, templates_role: None) -> dict[str, Any]:
    return fleet_snapshot(fleet, secrets)


@pytest.fixture(autouse=True)
def unmoved(fleet: Fleet, secrets: Secrets, before: dict[str, Any]) -> Iterator[None]:
    yield
    assert fleet_snapshot(fleet, secrets) == before


class Thief:
    """Somebody on a host with a token of it."""

    def __init__(self, fleet: Fleet, secrets: Secrets, role: Role) -> None:
        self.host = HOLDERS[role]
        node = self.host if role in ("registrator", "agent") else ""
        self._fleet = fleet
        self._token = secrets.tokens.secret(role, node)

    def ask(self, asks: Sequence[Ask], *more: str) -> list[Response]:
        answers: dict[int, Response] = {}
        until(lambda: self._ask_the_rest(asks, more, answers), "an answer of a server to each request", 30)
        return [answers[place] for place in range(len(asks))]

    def _ask_the_rest(self, asks: Sequence[Ask], more: Sequence[str], answers: dict[int, Response]) -> bool:
        rest = [place for place in range(len(asks)) if place not in answers or lost(answers[place])]
        found = self._fleet.ask(self.host, [asks[place] for place in rest], self._token, more, check=False)
        answers.update(zip(rest, found, strict=True))
        return not any(map(lost, found))


def lost(answer: Response) -> bool:
    """An agent's first request to a server that has restarted since may end with the old connection: no verdict."""
    return answer.status == 500 and "rpc error making call: stream closed" in answer.body


# Writes that a role is for, at the agent of its own host.
PERMITTED: dict[Role, set[str]] = {
    "registrator": {"/v1/agent/service/register", "/v1/agent/connect/ca/leaf/nginx-80"},
    "agent": {"/v1/agent/maintenance?enable=true", "/v1/agent/check/register"},
    "front": set(),
    "dns": set(),
    "templates": set(),
}


@pytest.mark.parametrize("role", HOLDERS)
def test_a_token_changes_nothing_beyond_its_role(fleet: Fleet, secrets: Secrets, role: Role) -> None:
    thief = Thief(fleet, secrets, role)
    [own] = thief.ask([Ask("GET", "/v1/acl/token/self")])
    assert own.status == 200, "else nothing below would say anything of this token"
    writes = [ask for ask in (*WRITES, *OWN_SERVICES) if ask.path not in PERMITTED[role]]
    assert allowed(writes, thief.ask(writes)) == []


@pytest.mark.parametrize("role", HOLDERS)
def test_a_token_reads_no_keys_and_nothing_of_the_cluster_itself(fleet: Fleet, secrets: Secrets, role: Role) -> None:
    thief = Thief(fleet, secrets, role)
    own_agent = {"/v1/agent/self", "/v1/agent/metrics", "/v1/agent/monitor"} if role == "registrator" else set()
    inside = [Ask("GET", path) for path in INSIDE if path not in own_agent]
    assert allowed(inside, thief.ask(inside)) == []
    others = [Ask("GET", "/v1/kv/evil"), Ask("GET", "/v1/kv/?recurse"), Ask("GET", "/v1/kv/?keys")]
    others += [Ask("GET", f"/v1/kv/rollcall/{key}?recurse") for key in ("releases/", "deploy/")]
    assert [one.body for one in thief.ask(others) if one.status == 200 and not nothing(one.body)] == []
    [rollcall] = thief.ask([Ask("GET", "/v1/kv/rollcall/front/absent")])
    assert rollcall.status == (404 if role == "front" else 403)


def test_a_registrator_takes_no_server_s_name(fleet: Fleet, secrets: Secrets) -> None:
    service = Ask("PUT", "/v1/agent/service/register", '{"ID": "evil", "Name": "consul", "Port": 8300}')
    [answer] = Thief(fleet, secrets, "registrator").ask([service])
    assert answer.status == 403


def spellings(path: str) -> list[str]:
    """Write a path in all the ways that some server somewhere takes for the same."""
    first, _, last = path.removeprefix("/v1/").rpartition("/")
    return [
        path,
        f"/{path}",
        f"{path}/",
        f"{path}?dc=dc1",
        f"{path}?",
        f"{path};evil",
        f"{path}%00",
        f"{path}%20",
        path.replace("/v1/", "/v1/./"),
        path.replace("/v1/", "/v1//"),
        path.replace("/v1/", "/v1/agent/../"),
        path.replace("/v1/", "/v1/agent/%2e%2e/"),
        path.replace("/v1/", "/v1%2f"),
        path.replace("/v1/", "/%76%31/"),
        path.replace("/v1/", "/V1/"),
        path.upper(),
        path.title(),
        f"/v1/{first}{'%2f' if first else ''}%{ord(last[0]):x}{last[1:]}",
        f"/v1/{first}{'/' if first else ''}%{ord(last[0]):x}{last[1:]}",
        f"/v1/{first}{'/' if first else ''}%25{ord(last[0]):x}{last[1:]}",
    ]


def test_no_spelling_of_a_path_bypasses_a_block(fleet: Fleet, secrets: Secrets) -> None:
    thief = Thief(fleet, secrets, "registrator")
    methods = ("PUT", "POST", "GET", "PATCH", "put")
    asks = [Ask(method, path, ask.body) for ask in CATALOG for path in spellings(ask.path) for method in methods]
    found = thief.ask(asks, "location", 'header = "X-HTTP-Method-Override: PUT"')
    pairs = zip(asks, found, strict=True)
    passed = [f"{one}: {answer}" for one, answer in pairs if answer.status not in (400, 403, 404)]
    assert passed == []


def test_the_auditor_reads_no_secret_and_writes_nothing(fleet: Fleet, secrets: Secrets) -> None:
    token = secrets.tokens.secret("auditor")

    def ask(*asks: Ask) -> list[Response]:
        return fleet.ask("consul1", asks, token, check=False)

    [tokens] = ask(Ask("GET", "/v1/acl/tokens"))
    listed = json.loads(tokens.body)
    assert len(listed) > len(fleet.hosts)
    others = [one for one in listed if one["AccessorID"] != secrets.tokens.accessor("auditor")]
    assert {one["SecretID"] for one in others} == {"<hidden>"}
    singly = ask(*(Ask("GET", f"/v1/acl/token/{one['AccessorID']}?expanded=true") for one in others))
    assert {json.loads(one.body)["SecretID"] for one in singly} == {"<hidden>"}
    writes = [*WRITES, *OWN_SERVICES, Ask("GET", "/v1/snapshot"), Ask("GET", "/v1/operator/keyring")]
    assert allowed(writes, ask(*writes)) == []
    cloned = Ask("PUT", f"/v1/acl/token/{secrets.tokens.accessor('management')}/clone", "{}")
    assert allowed([cloned], ask(cloned)) == []


def test_the_operator_neither_reads_nor_creates_tokens(fleet: Fleet, secrets: Secrets) -> None:
    asks = [
        *(Ask("GET", path) for path in ("/v1/acl/tokens", "/v1/acl/policies", "/v1/snapshot")),
        *(ask for ask in WRITES if ask.path.startswith("/v1/acl/") or "keyring" in ask.path),
        *CATALOG,
    ]
    assert allowed(asks, fleet.ask("consul1", asks, secrets.tokens.secret("operator"), check=False)) == []


def test_every_role_can_read_what_it_needs(fleet: Fleet, secrets: Secrets) -> None:
    asks = [Ask("GET", "/v1/health/service/nginx-80?passing"), Ask("GET", "/v1/catalog/nodes")]
    for role in ("front", "dns", "templates"):
        assert [one for one in Thief(fleet, secrets, role).ask(asks) if nothing(one.body)] == []
