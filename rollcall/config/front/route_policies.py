"""The policies of a route as settings, made from their table."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import partial
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, create_model

from rollcall.config.forms import Expected
from rollcall.config.section import Section
from rollcall.contract.policies import table
from rollcall.contract.policies.policy import Policy
from rollcall.contract.policies.values import written


def with_policies(name: str, base: type[Section], policies: Iterable[Policy] = table.POLICIES) -> type[Section]:
    """Return a section with one more setting for each policy; a value becomes the canonical text of metadata."""
    fields: Any = {policy.key: _field(policy) for policy in policies}
    return create_model(name, __base__=base, __doc__=base.__doc__, **fields)


def of(section: Section, policies: Iterable[Policy] = table.POLICIES) -> dict[str, str]:
    """Return the policies that a route has, or a stream, in their canonical form."""
    values = section.model_dump()
    return {policy.key: value for policy in policies if (value := values[policy.key])}


def faults(policies: Mapping[str, str], host: str, users: Collection[str]) -> Iterator[tuple[str, str]]:
    """Return the key of each policy that needs what its route or the fronts do not have, and the sentence.

    Args:
        policies: those of the route.
        host: its host name.
        users: the lists of users that there are.
    """
    name = policies.get("basic_auth")
    if name and name not in users:
        yield "basic_auth", f"got {name!r}; expected one of front.users ({', '.join(users) or 'none yet'})"
    yield from table.lonely(policies)
    if "redirect_from" in policies and host.startswith("*"):
        yield "redirect_from", f"got it for {host!r}; expected a route with an exact host"


def strip_faults(path: str, *, strip: bool) -> Iterator[tuple[str, str]]:
    """Return the key of a path that is to be removed where there is none, and the sentence."""
    if strip and path == "/":
        yield "strip", 'got True with the path "/", of which nothing can be removed; expected a path such as "/api"'


def _field(policy: Policy) -> Any:
    form = Annotated[str | None, BeforeValidator(partial(_parsed, policy)), Expected(policy.expected)]
    return form, Field(default=None, description=policy.meaning)


def _parsed(policy: Policy, value: object) -> str | None:
    return None if value is None else table.parse(policy, written(value))


def markdown(policies: Iterable[Policy] = table.POLICIES) -> str:
    """Write the table of docs/policies.md; with the policies of streams, that of docs/streams.md."""
    rows = ["| `SERVICE_VIRTUAL_…` | for example | meaning |", "| --- | --- | --- |"]
    rows += [
        f"| `{policy.variable.removeprefix('SERVICE_VIRTUAL_')}` | `{_cell(policy.example)}` "
        f"| {policy.meaning}. Takes {_cell(policy.expected)} |"
        for policy in policies
    ]
    return "\n".join(rows) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
