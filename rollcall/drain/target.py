"""Parse the target of a drain: a host, or a container of a host."""

from collections.abc import Sequence
from dataclasses import dataclass

from rollcall.config.fleet import Member
from rollcall.did_you_mean import suggestion
from rollcall.errors import RollcallError


@dataclass(frozen=True)
class Target:
    """A host, or one of its containers; `container` is empty for the whole host."""

    member: Member
    container: str = ""

    def __str__(self) -> str:
        """Return it as users write it."""
        return f"{self.member.name}/{self.container}" if self.container else self.member.name


def read(text: str, members: Sequence[Member]) -> Target:
    """Parse HOST or HOST/CONTAINER; HOST is a name in the inventory or in Consul.

    Raises:
        RollcallError: the host is unknown, or the container's name is missing.
    """
    named = {**{member.node: member for member in members}, **{member.name: member for member in members}}
    # A host's own name may contain a slash: @ssh/host1.
    start = next((name for name in named if "/" in name and f"{text}/".startswith(f"{name}/")), "")
    host, slash, container = (start, *text[len(start) :].partition("/")[1:]) if start else text.partition("/")
    if host not in named:
        raise RollcallError(
            f"unknown host {host!r}: got {text!r}; expected HOST, or HOST/CONTAINER as in app1/webserver-1; "
            f"{suggestion(host, named)}"
        )
    if slash and not container:
        raise RollcallError(f"got {text!r} without a container; expected {host}, or {host}/CONTAINER")
    return Target(named[host], container)
