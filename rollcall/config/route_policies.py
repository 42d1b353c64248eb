"""The policies of a route as settings, made from their table."""

from collections.abc import Iterable
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


def of(route: Section) -> dict[str, str]:
    """Return the policies that a route has, in their canonical form."""
    values = route.model_dump()
    return {policy.key: value for policy in table.POLICIES if (value := values[policy.key])}


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
