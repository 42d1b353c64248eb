"""Parse Go's durations: 500ms, 10s, 1m30s."""

import re
from fractions import Fraction

_PART = re.compile(r"(?P<number>\d+(?:\.\d*)?|\.\d+)(?P<unit>ns|us|µs|μs|ms|s|m|h)", re.ASCII)
_NANOSECONDS = {"ns": 1, "us": 10**3, "µs": 10**3, "μs": 10**3, "ms": 10**6, "s": 10**9}
_NANOSECONDS |= {"m": 60 * 10**9, "h": 3600 * 10**9}
# The range of Go's time.Duration.
MAX_NANOSECONDS = 2**63 - 1


def nanoseconds(text: str) -> int | None:
    """Parse a duration of at least 0; None for an invalid one, or one beyond Go's range."""
    if text == "0":
        return 0
    total, place = Fraction(0), 0
    while place < len(text):
        part = _PART.match(text, place)
        if part is None:
            return None
        total += Fraction(f"0{part['number']}".rstrip(".")) * _NANOSECONDS[part["unit"]]
        place = part.end()
    return int(total) if text and total <= MAX_NANOSECONDS else None
