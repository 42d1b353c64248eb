"""Consul's ACLs as data: what should be, what is, and the requests that lead from one to the other."""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from rollcall.registrator.services.identity import path_segment

# Consul's own policy of that name allows everything.
GLOBAL_MANAGEMENT = "global-management"
# Consul's description of the token that its servers make of `initial_management`.
INITIAL = "Initial Management Token"
# How what is ours is told from what users make beside it.
OURS = "Rollcall: "
POLICY_PREFIX = "rollcall-"
# Whoever shows no token has this one's rights (Consul's documentation, "Anonymous token").
ANONYMOUS = "00000000-0000-0000-0000-000000000002"

Method = Literal["GET", "PUT", "DELETE"]
Document = Mapping[str, Any]


@dataclass(frozen=True)
class Policy:
    """Rules under a name."""

    name: str
    rules: str

    @property
    def description(self) -> str:
        """What a person reads beside it."""
        return f"{OURS}changes made by hand are undone by the next deploy"

    @property
    def hash(self) -> str:
        """Consul's own digest of a policy's content (agent/structs/acl.go, ACLPolicy.SetHash), as its lists show it."""
        content = f"{self.name}{self.description}{self.rules}".encode()
        return base64.b64encode(hashlib.blake2b(content, digest_size=32).digest()).decode()


@dataclass(frozen=True)
class Token:
    """A token with its policies' names. Its accessor id follows from its secret, so the right id says it all."""

    accessor: str
    secret: str = field(repr=False)
    purpose: str
    policies: tuple[str, ...]

    @property
    def description(self) -> str:
        """What a person reads beside it."""
        return f"{OURS}{self.purpose}"


@dataclass(frozen=True)
class AccessControl:
    """All policies and tokens of ours. `management` is the token with which they are kept in order."""

    policies: tuple[Policy, ...]
    tokens: tuple[Token, ...]
    management: str = field(repr=False)
    management_accessor: str


@dataclass(frozen=True)
class Listed:
    """What Consul's lists say there is."""

    policies: Sequence[Document]
    tokens: Sequence[Document]


@dataclass(frozen=True)
class Request:
    """One request, and what a person is told of it if it is a write. The body may hold a secret."""

    text: str
    method: Method
    path: str
    body: str = field(default="", repr=False)


def listed(policies: str, tokens: str) -> Listed | None:
    """Read the answers to /v1/acl/policies and /v1/acl/tokens; None where Consul gave another answer."""
    try:
        found = Listed(json.loads(policies), json.loads(tokens))
    except ValueError:
        return None
    return found if isinstance(found.policies, list) and isinstance(found.tokens, list) else None


def requests(wanted: AccessControl, found: Listed, own_accessor: str = "") -> tuple[Request, ...]:
    """List the writes in their order: policies, the tokens that carry them, then what is no longer wanted.

    Args:
        wanted: what should be.
        found: what is.
        own_accessor: the accessor id of the token these requests are made with, which must outlive them; empty
            where it is not known, and then tokens of `initial_management` are left alone.
    """
    policies = {str(one["Name"]): one for one in found.policies}
    tokens = {str(one["AccessorID"]): one for one in found.tokens}
    return (
        *(request for one in wanted.policies if (request := _policy(one, policies.get(one.name)))),
        *(request for one in wanted.tokens if (request := _token(one, tokens.get(one.accessor)))),
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
    """Take its rights from the anonymous token, if somebody gave it any."""
    if found is None or not _rights(found):
        return []
    body = {"AccessorID": ANONYMOUS, "Description": found.get("Description", "")}
    text = "write the anonymous token (it was given rights)"
    return [Request(text, "PUT", f"/v1/acl/token/{ANONYMOUS}", json.dumps(body))]


def _rights(token: Document) -> set[tuple[str, str]]:
    """Name everything that gives a token rights."""
    kinds = ("Policies", "Roles", "ServiceIdentities", "NodeIdentities", "TemplatedPolicies")
    return {
        (kind, str(one.get("Name") or one.get("ServiceName") or one.get("NodeName") or one.get("TemplateName")))
        for kind in kinds
        for one in token.get(kind) or ()
    }


def _unwanted(wanted: AccessControl, found: Listed, own_accessor: str) -> list[Request]:
    """List what Rollcall once made: tokens of an earlier generation, what belonged to a host that is gone."""
    kept = {wanted.management_accessor, own_accessor, *(token.accessor for token in wanted.tokens)}
    names = {policy.name for policy in wanted.policies}
    tokens = [one for one in found.tokens if one["AccessorID"] not in kept and _is_ours(one, own_accessor)]
    policies = [one for one in found.policies if one["Name"].startswith(POLICY_PREFIX) and one["Name"] not in names]
    return [
        *(
            Request(f"remove token {_purpose(one)}", "DELETE", f"/v1/acl/token/{path_segment(one['AccessorID'])}")
            for one in tokens
        ),
        *(
            Request(f"remove policy {one['Name']}", "DELETE", f"/v1/acl/policy/{path_segment(one['ID'])}")
            for one in policies
        ),
    ]


def _purpose(token: Document) -> str:
    return str(token.get("Description", "")).removeprefix(OURS)


def _is_ours(token: Document, own_accessor: str) -> bool:
    description = str(token.get("Description", ""))
    return description.startswith(OURS) or (bool(own_accessor) and description == INITIAL)
