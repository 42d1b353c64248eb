"""The error for one bad value in one container's metadata."""

# A tag list or a script can be long; the line in the log should still fit one.
SHOWN = 80


class BadValueError(ValueError):
    """A container's metadata holds something Consul cannot use. Costs that container this service, nothing else."""

    def __init__(self, key: str, value: str, reason: str) -> None:
        """Name the key as the container spells it, its value, and what would be right."""
        shown = value if len(value) <= SHOWN else f"{value[:SHOWN]}…"
        super().__init__(f"{key}={shown!r}: {reason}")


class NoAddressError(BadValueError):
    """A container has lost its network, or the one whose network it uses: nothing that it says is wrong."""


class IgnoredError(Exception):
    """This port is no service, for the reason given; nothing is wrong."""
