"""Compare Consul's desired and actual ACLs, and build the requests that correct the difference."""

import base64
import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from rollcall.registrator.services.identity import path_segment

# Consul's built-in policy that allows everything.
GLOBAL_MANAGEMENT = "global-management"
# Consul's description of the token that its servers create from `initial_management`.
INITIAL = "Initial Management Token"
# Prefixes that distinguish our objects from users' own.
OURS = "Rollcall: "
POLICY_PREFIX = "rollcall-"
# Requests without a token have this token's rights (Consul's documentation, "Anonymous token").
ANONYMOUS = "00000000-0000-0000-0000-000000000002"

Method = Literal["GET", "PUT", "DELETE"]
Document = Mapping[str, Any]


@dataclass(frozen=True)
class Policy:
    """A named set of rules."""

    name: str
    rules: str

    @property
    def description(self) -> str:
        """The description that users read."""
        return f"{OURS}changes made by hand are undone by the next deploy"

    @property
    def hash(self) -> str:
        """Consul's own digest of a policy's content (agent/structs/acl.go, ACLPolicy.SetHash), as its lists show it."""
        content = f"{self.name}{self.description}{self.rules}".encode()
        return base64.b64encode(hashlib.blake2b(content, digest_size=32).digest()).decode()


@dataclass(frozen=True)
class Token:
    """A token with its policies' names. Its accessor id is derived from its secret, so comparing the id suffices."""

    accessor: str
    secret: str = field(repr=False)
    purpose: str
    policies: tuple[str, ...]

    @property
    def description(self) -> str:
        """The description that users read."""
        return f"{OURS}{self.purpose}"


@dataclass(frozen=True)
class AccessControl:
    """All of our policies and tokens. `management` is the token that manages them."""

    policies: tuple[Policy, ...]
    tokens: tuple[Token, ...]
    management: str = field(repr=False)
    management_accessor: str


@dataclass(frozen=True)
class Listed:
    """The policies and tokens that Consul lists."""

    policies: Sequence[Document]
    tokens: Sequence[Document]


@dataclass(frozen=True)
class Request:
    """One request; `text` describes a write to the user. The body may hold a secret."""

    text: str
    method: Method
    path: str
    body: str = field(default="", repr=False)


def listed(policies: str, tokens: str) -> Listed | None:
    """Parse the responses to /v1/acl/policies and /v1/acl/tokens; return None for any other response."""
    try:
        found = Listed(json.loads(policies), json.loads(tokens))
    except ValueError:
        return None
    return found if isinstance(found.policies, list) and isinstance(found.tokens, list) else None


def requests(wanted: AccessControl, found: Listed, own_accessor: str = "") -> tuple[Request, ...]:
    """Return the writes in their order: policies, the tokens that carry them, then removals.

    Args:
        wanted: the desired ACLs.
        found: the actual ACLs.
        own_accessor: the accessor id of the token for these requests, which must stay; empty if unknown, and then
            tokens of `initial_management` stay, too.
    """
    policies = {str(policy["Name"]): policy for policy in found.policies}
    tokens = {str(token["AccessorID"]): token for token in found.tokens}
    return (
        *(request for policy in wanted.policies if (request := _policy(policy, policies.get(policy.name)))),
        *(request for token in wanted.tokens if (request := _token(token, tokens.get(token.accessor)))),
        *_anonymous(tokens.get(ANONYMOUS)),
        *_unwanted(wanted, found, own_accessor),
    )


def _policy(wanted: Policy, found: Document | None) -> Request | None:
    if found is not None and found.get("Hash") == wanted.hash:
        return None
    body = {"Name": wanted.name, "Description": wanted.description, "Rules": wanted.rules}
    if found is None:
        return Request(f"create policy {wanted.name}", "PUT", "/v1/acl/policy", json.dumps(body))
    text = f"write policy {wanted.name} (it was changed)"
    return Request(text, "PUT", f"/v1/acl/policy/{path_segment(found['ID'])}", json.dumps(body))


def _token(wanted: Token, found: Document | None) -> Request | None:
    body = {
        "AccessorID": wanted.accessor,
        "SecretID": wanted.secret,
        "Description": wanted.description,
        "Policies": [{"Name": name} for name in wanted.policies],
    }
    if found is None:
        return Request(f"create token {wanted.purpose}", "PUT", "/v1/acl/token", json.dumps(body))
    if _rights(found) == {("Policies", name) for name in wanted.policies}:
        return None
    text = f"write token {wanted.purpose} (its rights were changed)"
    return Request(text, "PUT", f"/v1/acl/token/{path_segment(wanted.accessor)}", json.dumps(body))


def _anonymous(found: Document | None) -> list[Request]:
    """Remove any rights of the anonymous token."""
    if found is None or not _rights(found):
        return []
    body = {"AccessorID": ANONYMOUS, "Description": found.get("Description", "")}
    text = "write the anonymous token (it was given rights)"
    return [Request(text, "PUT", f"/v1/acl/token/{ANONYMOUS}", json.dumps(body))]


def _rights(token: Document) -> set[tuple[str, str]]:
    """Return everything that gives a token rights."""
    kinds = ("Policies", "Roles", "ServiceIdentities", "NodeIdentities", "TemplatedPolicies")
    return {
        (kind, str(link.get("Name") or link.get("ServiceName") or link.get("NodeName") or link.get("TemplateName")))
        for kind in kinds
        for link in token.get(kind) or ()
    }


def _unwanted(wanted: AccessControl, found: Listed, own_accessor: str) -> list[Request]:
    """Return the removals of what Rollcall once created: tokens of earlier generations, ACLs of former hosts."""
    desired = {wanted.management_accessor, own_accessor, *(token.accessor for token in wanted.tokens)}
    names = {policy.name for policy in wanted.policies}
    tokens = [token for token in found.tokens if token["AccessorID"] not in desired and _is_ours(token, own_accessor)]
    policies = [
        policy for policy in found.policies if policy["Name"].startswith(POLICY_PREFIX) and policy["Name"] not in names
    ]
    return [*map(_remove_token, tokens), *map(_remove_policy, policies)]


def removals(names: Collection[str], found: Listed) -> list[Request]:
    """Return the removals of these policies of ours, and of our tokens that carry no other."""
    tokens = [
        token
        for token in found.tokens
        if _is_ours(token, "") and (carried := {name for _, name in _rights(token)}) and carried <= set(names)
    ]
    policies = [policy for policy in found.policies if policy["Name"] in names]
    return [*map(_remove_token, tokens), *map(_remove_policy, policies)]


def _remove_token(token: Document) -> Request:
    return Request(f"remove token {_purpose(token)}", "DELETE", f"/v1/acl/token/{path_segment(token['AccessorID'])}")


def _remove_policy(policy: Document) -> Request:
    return Request(f"remove policy {policy['Name']}", "DELETE", f"/v1/acl/policy/{path_segment(policy['ID'])}")


def _purpose(token: Document) -> str:
    return str(token.get("Description", "")).removeprefix(OURS)


def _is_ours(token: Document, own_accessor: str) -> bool:
    description = str(token.get("Description", ""))
    return description.startswith(OURS) or (bool(own_accessor) and description == INITIAL)
