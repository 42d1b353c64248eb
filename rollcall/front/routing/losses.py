"""Which instances that the catalog no longer has are to be served a while longer, if they still answer.

An agent without state or a cluster without a quorum takes many instances out of the catalog at once, and none of them
has died. A container that is stopped goes alone, or with so few that the others do its work.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from rollcall.front.inputs.catalog import Catalog, Instance

# So many of a service in one rendering, and such a part of it, are no longer taken for containers that were stopped.
TOGETHER = 2
PART = 0.3

_Key = tuple[str, str]


@dataclass(frozen=True)
class Kept:
    """An instance that is served although the catalog has lost it, and since when."""

    instance: Instance
    since: datetime


def losses(
    routed: Collection[Instance], kept: Iterable[Kept], catalog: Catalog, now: datetime, keep_lost: int
) -> tuple[Kept, ...]:
    """Say which instances are to be kept as long as they accept connections; who calls asks them.

    Args:
        routed: the instances of the catalog before this one that were passing.
        kept: those kept until now.
        catalog: the new one.
        now: when it was read.
        keep_lost: seconds that an instance is kept at most; 0 for never.
    """
    if keep_lost == 0:
        return ()
    known = _Known.of(catalog)
    oldest = now - timedelta(seconds=keep_lost)
    still = [one for one in kept if one.since > oldest and known.lost(one.instance)]
    before = {one.instance for one in still}
    return (*still, *(Kept(one, now) for one in _lost_together(routed, known) if one not in before))


def with_kept(catalog: Catalog, kept: Iterable[Kept]) -> Catalog:
    """Give the catalog as it would be without the loss: what is kept is passing, as it was."""
    back = {_key(one.instance): one.instance for one in kept}
    rest = [one for one in catalog.instances if _key(one) not in back]
    every = sorted([*rest, *back.values()], key=lambda one: (one.service, one.node, one.identity))
    return replace(catalog, instances=tuple(every))


def _lost_together(routed: Collection[Instance], known: "_Known") -> list[Instance]:
    lost = [one for one in routed if known.lost(one)]
    had = Counter(one.service for one in routed)
    gone = Counter(one.service for one in lost)
    return [one for one in lost if _is_mass(gone[one.service], had[one.service])]


def _is_mass(gone: int, had: int) -> bool:
    return gone == had or (gone >= TOGETHER and gone >= PART * had)


@dataclass(frozen=True)
class _Known:
    """What a catalog says by itself: of instances by their key, and of whom an address and port belong to."""

    instances: Mapping[_Key, Instance]
    endpoints: frozenset[str]

    @classmethod
    def of(cls, catalog: Catalog) -> "_Known":
        return cls(
            {_key(one): one for one in catalog.instances},
            frozenset(one.endpoint for one in catalog.instances if one.node_alive),
        )

    def lost(self, instance: Instance) -> bool:
        """Tell whether the catalog has no word of its own about an instance any more.

        It has none of one that it holds no longer, and none of one whose node is not heard: whatever is said of that
        is old. It has one where the instance came back, even if critical, and where another has its address and port.
        """
        found = self.instances.get(_key(instance))
        if found is not None:
            return not found.node_alive and found.state != "maintenance"
        return instance.endpoint not in self.endpoints


def _key(instance: Instance) -> _Key:
    return instance.node, instance.identity
