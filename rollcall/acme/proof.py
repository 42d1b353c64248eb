"""How a name is proven to the authority: by a file at its address, or by a record in DNS."""

from typing import Protocol


class Proof(Protocol):
    """One way to prove names; its methods raise OrderError for what ends an order, ConsulError without an agent."""

    def begin(self) -> None:
        """End what an earlier holder of the lock left open."""

    def check(self, name: str) -> None:
        """Find out whether an order for this name can succeed, before the authority is asked."""

    def publish(self, name: str, where: str, what: str) -> None:
        """Show the authority what it looks for, and wait until it can be seen.

        `where` and `what` are a token and its answer, or the name of a TXT record and its value.
        """

    def withdraw(self, name: str) -> None:
        """Take away what was published for this name."""
