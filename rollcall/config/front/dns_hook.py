"""The setting of a program that changes DNS, so that an ACME authority finds a name proven there."""

from typing import Annotated

from pydantic import Field, StringConstraints

from rollcall.config.forms import Expected
from rollcall.config.section import Section
from rollcall.config.service import SECRET_NAME_FORM, Environment, SecretName


class DnsHook(Section):
    """A program of the user's own that adds and removes TXT records at a DNS provider (docs/https.md)."""

    hook: Annotated[
        str, StringConstraints(min_length=1), Expected("the path of a script, absolute or relative to the project")
    ] = Field(description="The program, on this machine; it gets `add` or `remove`, the record's name, and its value")
    environment: Environment = Field(default_factory=dict, description="Environment of the program; no secrets")
    secrets: Annotated[tuple[SecretName, ...], Expected(f"a list of names, each {SECRET_NAME_FORM}")] = Field(
        default=(),
        strict=False,
        description="Secrets that the program reads; `NAME_FILE` in its environment is the path, and "
        "`rollcall secret set INVENTORY front NAME` gives the value",
    )
