"""The table of all policies: metadata, front.routes, validation, docs and nginx's lines read it."""

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches

from rollcall.contract.policies import access, traffic, visitors
from rollcall.contract.policies.policy import METADATA, Policy

# nginx checks access in the order of its lines: deny before allow.
POLICIES: tuple[Policy, ...] = (*access.POLICIES, *visitors.POLICIES, *traffic.POLICIES)
BY_KEY: Mapping[str, Policy] = {policy.key: policy for policy in POLICIES}
BY_META: Mapping[str, Policy] = {policy.meta: policy for policy in POLICIES}
ACCESS: frozenset[str] = frozenset(policy.meta for policy in POLICIES if policy.access)
_OF_SIGN_IN = ("forward_auth_headers", "forward_auth_login")
# What stands in Meta for a value that Consul cannot hold: no policy understands it.
UNREADABLE = "?"
# As in the registrator: a long value must not keep an error from fitting on one line.
_SHOWN = 80

# Keys and canonical values, in the table's order.
Policies = tuple[tuple[str, str], ...]


def parse(policy: Policy, text: str) -> str:
    """Return a value's canonical text, "" for none.

    Raises:
        ValueError: the value, and the expected form.
    """
    try:
        if not text.isprintable():
            raise ValueError
        return policy.parse(text.strip())
    except ValueError:
        shown = repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…")
        raise ValueError(f"got {shown}; expected {policy.expected}") from None


def read(meta: Mapping[str, str], others: frozenset[str]) -> tuple[Policies, tuple[str, ...]]:
    """Return the policies in an instance's Meta, and an error for each that is not understood.

    Args:
        meta: keys and values.
        others: keys of the same form that are no policies.
    """
    found: dict[str, str] = {}
    errors = []
    for key in sorted(key for key in meta if key.startswith(METADATA) and key not in others):
        policy = BY_META.get(key)
        if policy is None:
            close = get_close_matches(key, [*BY_META, *others], n=1)
            errors.append(f"{key}: unknown key{f'; did you mean {close[0]}?' if close else ''}")
            continue
        if not meta[key].strip() and not policy.access:
            continue
        try:
            if value := parse(policy, meta[key]):
                found[policy.key] = value
        except ValueError as error:
            errors.append(f"{key}: {error}")
    errors += [f"{BY_KEY[key].meta}: {sentence}" for key, sentence in lonely(found)]
    return ordered(found), tuple(errors)


def lonely(found: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Return the key of each policy that is about a sign-in which the route lacks, and the sentence."""
    for key in _OF_SIGN_IN:
        if key in found and "forward_auth" not in found:
            yield key, "got it without forward_auth, so that nobody would have to sign in; expected both, or neither"


def ordered(values: Mapping[str, str], policies: Iterable[Policy] = POLICIES) -> Policies:
    """Put values into the order of this table, or of another."""
    return tuple((policy.key, values[policy.key]) for policy in policies if policy.key in values)


def limits_access(meta: Mapping[str, str], others: frozenset[str]) -> bool:
    """Whether Meta says anything about who gets in; an unknown key may be a misspelt one that does."""
    return any(key in ACCESS or (key not in BY_META and key not in others) for key in meta if key.startswith(METADATA))
