"""A deploy takes a whole role off a host only with consent, and a dry run says so before all else."""

import logging
from collections.abc import Sequence
from functools import lru_cache

from pyinfra import host, inventory, logger
from pyinfra import state as run

from rollcall.config.pyinfra_data import CONSENT
from rollcall.deploy import inventory_layers
from rollcall.errors import RollcallError


class _Held(logging.Filter):
    """Holds back what hosts say of their changes until all hosts were looked at."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []
        self.holds = True

    def filter(self, record: logging.LogRecord) -> bool:
        """Hold everything but warnings and errors."""
        held = self.holds and record.levelno <= logging.INFO
        if held:
            self.records.append(record)
        return not held

    def release(self) -> None:
        """Print what was held, in its order."""
        self.holds = False
        logger.removeFilter(self)
        for record in self.records:
            logger.handle(record)


_looked: set[str] = set()
_gone: dict[str, Sequence[str]] = {}


@lru_cache(maxsize=1)
def _held() -> _Held:
    held = _Held()
    logger.addFilter(held)
    return held


def begin() -> None:
    """Hold back what hosts say from now on."""
    _held()


def look(gone: Sequence[str]) -> None:
    """Note what a host would lose, in sentences; with the last host, say it all, and refuse what nobody consented to.

    Raises:
        RollcallError: roles would be removed without consent. No host has been touched.
    """
    _gone[host.name] = gone
    _looked.add(host.name)
    if not _looked.issuperset(one.name for one in run.active_hosts):
        return
    said = list(dict.fromkeys(sentence for _, lost in sorted(_gone.items()) for sentence in lost))
    if said and not (inventory_layers.is_dry() or inventory.get_override_data().get(CONSENT)):
        _held().release()
        raise RollcallError(
            f"{'; '.join(said)}; expected the hosts in their groups, or `rollcall deploy --yes` "
            f"(pyinfra: --data {CONSENT}=true)"
        )
    for one in said:
        logger.warning(one)
    _held().release()
