"""Retain instances that left the catalog all at once, for a while and as long as they accept connections."""

import time
from collections import Counter
from collections.abc import Collection
from datetime import UTC, datetime

from rollcall.front.inputs.catalog import Catalog, Instance
from rollcall.front.routing.accepting import accepting
from rollcall.front.routing.losses import Retained, losses
from rollcall.front.status.problems import Problems


class RetainedInstances:
    """The retained instances."""

    def __init__(self, problems: Problems) -> None:
        """Start without any."""
        self._problems = problems
        self.instances: tuple[Retained, ...] = ()

    @property
    def keys(self) -> frozenset[tuple[str, str]]:
        """Return the node and identity of each."""
        return frozenset((lost.instance.node, lost.instance.identity) for lost in self.instances)

    async def update(self, routed: Collection[Instance], catalog: Catalog, keep_lost: int) -> None:
        """Decide again which instances to retain.

        Args:
            routed: the instances of the previous catalog that got requests.
            catalog: the new one.
            keep_lost: seconds to retain an instance at most.
        """
        candidates = losses(routed, self.instances, catalog, datetime.now(UTC), keep_lost)
        accept = await accepting([lost.instance for lost in candidates])
        self.instances = tuple(lost for lost in candidates if lost.instance in accept)
        counts = Counter(lost.instance.service for lost in self.instances)
        self._problems.are(
            "kept",
            [
                f"{count} of {service} left the catalog at once but accept connections; "
                f"retained for up to {keep_lost} s"
                for service, count in sorted(counts.items())
            ],
        )

    async def is_outdated(self, keep_lost: int) -> bool:
        """Whether a retained instance stopped accepting connections, or its time is over."""
        if not self.instances:
            return False
        oldest = min(lost.since for lost in self.instances).timestamp()
        if time.time() - oldest >= keep_lost:
            return True
        return len(await accepting([lost.instance for lost in self.instances])) < len(self.instances)
