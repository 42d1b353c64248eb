"""Reasons why a port is not a service."""

# Of a value, in characters: a log line stays readable.
SHOWN = 80


class BadValueError(ValueError):
    """Consul cannot use a value of a container's metadata. It costs that container this service, nothing else."""

    def __init__(self, key: str, value: str, reason: str) -> None:
        """Name the key as the container spells it, its value, and the expected form."""
        shown = value if len(value) <= SHOWN else f"{value[:SHOWN]}…"
        super().__init__(f"{key}={shown!r}: {reason}")


class NoAddressError(BadValueError):
    """A container lost its network or that network's owner; its metadata is right."""


class IgnoredError(Exception):
    """This port is not a service, and nothing is wrong."""
