"""From a route's policies to the lines of its location in nginx's configuration."""

import hashlib
from functools import reduce

from rollcall.contract.policies import forwarding
from rollcall.contract.policies.policy import Lines, Place
from rollcall.contract.policies.table import BY_KEY, Policies

# Enough that no two of a fleet's routes meet.
_IDENTITY_LENGTH = 16


def identity(host: str, path: str) -> str:
    """Return a word for names in nginx that only this host and path has, the same after each reload."""
    return hashlib.sha256(f"{host}{path}".encode()).hexdigest()[:_IDENTITY_LENGTH]


def lines(policies: Policies, place: Place) -> Lines:
    """Return the lines of a route's policies, together with those that its location would otherwise not inherit."""
    found = reduce(Lines.__add__, (BY_KEY[key].lines(value, place) for key, value in policies), Lines())
    inherited = (
        *(forwarding.lines(place.module, found.request_headers) if found.request_headers else ()),
        *(forwarding.hiding(place.module, found.hidden) if found.hidden else ()),
    )
    return Lines(found.location + inherited, found.server, found.http)
