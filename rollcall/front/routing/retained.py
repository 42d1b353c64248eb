"""Instances that the catalog has lost all at once: those that still accept connections are kept for a while."""

import time
from collections import Counter
from collections.abc import Collection
from datetime import UTC, datetime

from rollcall.front.inputs.catalog import Catalog, Instance
from rollcall.front.routing.accepting import accepting
from rollcall.front.routing.losses import Kept, losses
from rollcall.front.status.problems import Problems


class Keeping:
    """What is kept."""

    def __init__(self, problems: Problems) -> None:
        """Begin without any."""
        self._problems = problems
        self.kept: tuple[Kept, ...] = ()

    async def compare(self, routed: Collection[Instance], catalog: Catalog, keep_lost: int) -> None:
        """Say anew what is to be kept.

        Args:
            routed: the instances of the catalog before this one that requests were passed to.
            catalog: the new one.
            keep_lost: seconds that an instance is kept at most.
        """
        lost = losses(routed, self.kept, catalog, datetime.now(UTC), keep_lost)
        accept = await accepting([one.instance for one in lost])
        self.kept = tuple(one for one in lost if one.instance in accept)
        counts = Counter(one.instance.service for one in self.kept)
        self._problems.are(
            "kept",
            [
                f"{count} of {service} left the catalog at once but still accept: served for up to {keep_lost} s"
                for service, count in sorted(counts.items())
            ],
        )

    async def has_to_let_go(self, keep_lost: int) -> bool:
        """Whether something that is kept does not accept any more, or has been kept for long enough."""
        if not self.kept:
            return False
        oldest = min(one.since for one in self.kept).timestamp()
        if time.time() - oldest >= keep_lost:
            return True
        return len(await accepting([one.instance for one in self.kept])) < len(self.kept)
