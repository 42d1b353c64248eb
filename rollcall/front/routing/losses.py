"""Decide which instances that left the catalog stay in rotation for a while, as long as they accept connections.

An agent without state or a cluster without a quorum drops many instances at once, and all of them may be alive.
Stopped containers leave alone, or so few at a time that the others do their work.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from rollcall.front.inputs.catalog import Catalog, Instance

# A loss of at least this number and this share of a service in one rendering counts as a mass loss.
MASS_LOSS_MINIMUM = 2
MASS_LOSS_SHARE = 0.3

_Key = tuple[str, str]


@dataclass(frozen=True)
class Retained:
    """An instance that stays in rotation although it left the catalog at `since`."""

    instance: Instance
    since: datetime


def losses(
    routed: Collection[Instance], retained: Iterable[Retained], catalog: Catalog, now: datetime, keep_lost: int
) -> tuple[Retained, ...]:
    """Return the instances to retain; the caller checks that they accept connections.

    Args:
        routed: the passing instances of the previous catalog.
        retained: the instances retained so far.
        catalog: the new one.
        now: when the new catalog was read.
        keep_lost: seconds to retain an instance at most; 0 turns this off.
    """
    if keep_lost == 0:
        return ()
    known = _Known.of(catalog)
    oldest = now - timedelta(seconds=keep_lost)
    still = [lost for lost in retained if lost.since > oldest and known.lost(lost.instance)]
    before = {lost.instance for lost in still}
    return (*still, *(Retained(instance, now) for instance in _lost_together(routed, known) if instance not in before))


def with_retained(catalog: Catalog, retained: Iterable[Retained]) -> Catalog:
    """Return the catalog as it would be without the loss: retained instances pass, as before."""
    back = {_key(lost.instance): lost.instance for lost in retained}
    rest = [instance for instance in catalog.instances if _key(instance) not in back]
    every = sorted([*rest, *back.values()], key=lambda instance: (instance.service, instance.node, instance.identity))
    return replace(catalog, instances=tuple(every))


def _lost_together(routed: Collection[Instance], known: "_Known") -> list[Instance]:
    lost = [instance for instance in routed if known.lost(instance)]
    had = Counter(instance.service for instance in routed)
    gone = Counter(instance.service for instance in lost)
    return [instance for instance in lost if _is_mass(gone[instance.service], had[instance.service])]


def _is_mass(gone: int, had: int) -> bool:
    return gone == had or (gone >= MASS_LOSS_MINIMUM and gone >= MASS_LOSS_SHARE * had)


@dataclass(frozen=True)
class _Known:
    """The content of a catalog: instances by key, and the addresses in use."""

    instances: Mapping[_Key, Instance]
    endpoints: frozenset[str]

    @classmethod
    def of(cls, catalog: Catalog) -> "_Known":
        return cls(
            {_key(instance): instance for instance in catalog.instances},
            frozenset(instance.endpoint for instance in catalog.instances if instance.node_alive),
        )

    def lost(self, instance: Instance) -> bool:
        """Whether the catalog has lost an instance.

        It is lost if its registration is gone, or if its node is down, since the node's checks are old then. It is not
        lost if it came back, even as critical, or if another instance has its address and port.
        """
        found = self.instances.get(_key(instance))
        if found is not None:
            return not found.node_alive and found.state != "maintenance"
        return instance.endpoint not in self.endpoints


def _key(instance: Instance) -> _Key:
    return instance.node, instance.identity
