"""Prove a name by a file at its address (HTTP-01): any front gives the answer, through Consul."""

from rollcall.acme import leads_here
from rollcall.acme.consul import Consul
from rollcall.acme.order_error import OrderError
from rollcall.acme.settings import Settings
from rollcall.contract import acme_keys


class HttpProof:
    """Answers of the fronts."""

    def __init__(self, settings: Settings, consul: Consul) -> None:
        """Prepare; sends nothing yet."""
        self._settings = settings
        self._consul = consul

    def begin(self) -> None:
        """Remove all answers."""
        self._consul.delete(acme_keys.CHALLENGES, recurse=True)

    def check(self, name: str) -> None:
        """Raise OrderError if the name leads to no front."""
        found = leads_here.addresses(name)
        if why := leads_here.fault(name, found, self._settings.addresses, lambda *answer: self._publish(name, *answer)):
            raise OrderError(why, local=True)

    def publish(self, name: str, where: str, what: str) -> None:
        """Let the fronts give an answer; raise OrderError if the name leads to one that gives another.

        Its program may be down. Authorities limit failed validations, so this one is not asked.
        """
        self._publish(name, where, what)
        if address := leads_here.mistaken(name, where, what):
            raise OrderError(
                f"DNS leads to {address}, where a front does not know this order; docker logs acme on its host",
                local=True,
            )

    def _publish(self, name: str, where: str, what: str) -> None:
        """Let the fronts give an answer, and wait until those that respond do."""
        self._consul.put(f"{acme_keys.CHALLENGES}{name}/{where}", what.encode())
        leads_here.wait_for_fronts(self._settings.fronts, name, where, what)

    def withdraw(self, name: str) -> None:
        """Remove a name's answers."""
        self._consul.delete(f"{acme_keys.CHALLENGES}{name}/", recurse=True)
