"""Since when each instance is in rotation."""

from collections.abc import Mapping
from datetime import datetime

from rollcall.front.inputs.catalog import Instance, Owner
from rollcall.front.routing.model import Routing

# An instance that comes back under another address was out of rotation, though no generation showed it.
Rotation = Mapping[tuple[Owner, str], datetime]


def place(instance: Instance) -> tuple[Owner, str]:
    """Return an instance's key in a rotation."""
    return instance.counted_as, instance.endpoint


def following(before: Rotation, routing: Routing, now: datetime) -> Rotation:
    """Return the rotation of a routing: who was in it before keeps its time."""
    servers = (server for upstream in routing.every_upstream for server in upstream.servers)
    places = dict.fromkeys(place(server.instance) for server in servers)
    return {one: before.get(one, now) for one in places}
