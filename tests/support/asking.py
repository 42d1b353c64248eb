"""Requests to Consul's HTTP API as whoever may send anything: paths as they stand, with dots and doubled slashes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from rollcall.consul import curl

# A body or a stream that never ends is an answer too: its first seconds count.
AS_IS = ("path-as-is", "max-time = 3")


@dataclass(frozen=True)
class Ask:
    """One request."""

    method: str
    path: str
    body: str = field(default="", repr=False)

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def configuration(asks: Iterable[Ask], base: str, token: str = "", more: Sequence[str] = ()) -> str:
    """Write what curl is to do."""
    return curl.configuration(asks, base, token, [*AS_IS, *more])
