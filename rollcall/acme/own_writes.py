"""Keep what this program has just written from being replaced by what Consul had before."""

import time
from collections.abc import Mapping


class OwnWrites:
    """The values written to keys of one prefix; times are those of the monotonic clock. Not for several threads."""

    def __init__(self) -> None:
        """Start without any."""
        self._written: dict[str, tuple[float, bytes]] = {}

    def note(self, key: str, value: bytes) -> None:
        """Note a value that Consul has taken."""
        self._written[key] = time.monotonic(), value

    def over(self, entries: Mapping[str, bytes], began: float) -> dict[str, bytes]:
        """Return the entries of a read that began at this time, with what was written after that in their place."""
        self._written = {key: one for key, one in self._written.items() if one[0] >= began}
        return {**entries, **{key: value for key, (_, value) in self._written.items()}}
