"""What is declared for a host, and what on it is not so: the changes that a deploy would make."""

from collections.abc import Sequence

from rollcall import components
from rollcall.desired import Thing
from rollcall.fleet import Fleet, Member
from rollcall.plan import Change, leftovers, plan
from rollcall.reading import facts
from rollcall.secrets import Secrets
from rollcall.state import HostState


def declared(fleet: Fleet, member: Member, secrets: Secrets, state: HostState) -> tuple[Thing, ...]:
    """List everything that should be on a host."""
    return tuple(
        thing for things in components.desired(fleet, member, facts(state), secrets).values() for thing in things
    )


def drift(things: Sequence[Thing], state: HostState) -> tuple[Change, ...]:
    """List what is to be done for these things to be there, and no others of ours.

    Raises:
        RollcallError: a name is taken by something that Rollcall does not manage.
    """
    return (*plan(things, state), *leftovers(things, state))
