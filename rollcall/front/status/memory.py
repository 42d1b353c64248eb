"""Remember what the status shows of the past: tries by server, the last 15 minutes by service, and what changed."""

import time
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from pathlib import Path

from rollcall.front.inputs.catalog import Catalog
from rollcall.front.inputs.cluster import Cluster
from rollcall.front.routing.losses import Retained
from rollcall.front.routing.model import Routing
from rollcall.front.status.changes import Changes, state
from rollcall.front.status.counters import CountedLog, Totals
from rollcall.front.status.document import Counts
from rollcall.front.status.history import History, Series


class Memory:
    """All of it is gone after a start of the front; each part has a bound."""

    def __init__(self, counted_log: Path) -> None:
        """Start with nothing. nginx appends a line per try to the log."""
        self.totals = Totals()
        self._log = CountedLog(counted_log)
        self.history = History()
        self.changes = Changes()
        self._seen: tuple[object, ...] = ()

    def take(self, routing: Routing, catalog: Catalog, retained: tuple[Retained, ...], cluster: Cluster) -> None:
        """Take the last second: what nginx wrote, and what is served now.

        Raises:
            OSError: the log cannot be read.
        """
        new = self._log.read()
        # Lines so far are of whoever had the server until now.
        self._add({server: more for server, more in new.items() if self.totals.knows(server)})
        rest = {server: more for server, more in new.items() if not self.totals.knows(server)}
        seen = (routing, catalog, retained, cluster)
        # Comparing thousands of instances each second would cost more than a change does.
        if len(self._seen) != len(seen) or any(one is not other for one, other in zip(seen, self._seen, strict=True)):
            self._seen = seen
            self.totals.serves(routing.every_upstream)
            kept = frozenset((lost.instance.node, lost.instance.identity) for lost in retained)
            self.changes.see(state(routing, catalog, kept, cluster), datetime.now(UTC))
        self._add(rest)

    @property
    def stranded(self) -> Collection[str]:
        """Return the upstreams of which nothing was left in the last second."""
        return self._log.stranded

    def _add(self, new: Mapping[str, Counts]) -> None:
        self.history.add(self.totals.add(new), time.monotonic())

    def series(self) -> dict[str, Series]:
        """Return each service's last 15 minutes."""
        return self.history.series(time.monotonic())
