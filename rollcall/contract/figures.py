"""Format the status document's figures for users."""

from datetime import datetime


def duration(since: str | None, now: str) -> str:
    """Format the time since a moment in its one or two largest units: "4 min 3 s", "2 d 5 h"."""
    if since is None:
        return "–"
    seconds = max(0, int((datetime.fromisoformat(now) - datetime.fromisoformat(since)).total_seconds()))
    parts = [(seconds // 86400, "d"), (seconds // 3600 % 24, "h"), (seconds // 60 % 60, "min"), (seconds % 60, "s")]
    first = next((at for at, (count, _) in enumerate(parts) if count), len(parts) - 1)
    return " ".join(f"{count} {unit}" for count, unit in parts[first : first + 2] if count or first == len(parts) - 1)


def percent(part: float | None) -> str:
    """Format a share of 0 to 1: "16.7 %"."""
    return "–" if part is None else f"{part * 100:.1f}".removesuffix(".0") + " %"


def mean(seconds: float, tries: int) -> str:
    """Format the mean time per try: "80.0 ms"."""
    return f"{seconds / tries * 1000:.1f} ms" if tries else "–"
