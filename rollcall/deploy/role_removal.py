"""Remove a whole role from a host only with consent; a dry run prints the removal first."""

import logging
from collections.abc import Callable, Sequence
from functools import lru_cache

from pyinfra import host, inventory, logger
from pyinfra import state as run

from rollcall.config.pyinfra_data import CONSENT
from rollcall.deploy import inventory_layers
from rollcall.errors import RollcallError


class _Held(logging.Filter):
    """Hold back the hosts' log lines until all hosts are prepared."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []
        self.holds = True

    def filter(self, record: logging.LogRecord) -> bool:
        """Hold back everything except warnings and errors."""
        held = self.holds and record.levelno <= logging.INFO
        if held:
            self.records.append(record)
        return not held

    def release(self) -> None:
        """Print the held lines in their order."""
        self.holds = False
        logger.removeFilter(self)
        for record in self.records:
            logger.handle(record)


_looked: set[str] = set()
_gone: dict[str, Callable[[], Sequence[str]]] = {}


@lru_cache(maxsize=1)
def _held() -> _Held:
    held = _Held()
    logger.addFilter(held)
    return held


def begin() -> None:
    """Hold back the hosts' log lines from now on."""
    _held()


def look(gone: Callable[[], Sequence[str]] = tuple) -> None:
    """Record how to say what a host would lose; after the last host, print all these sentences and require consent.

    Raises:
        RollcallError: roles would be removed without consent. No host has been touched.
    """
    _gone[host.name] = gone
    _looked.add(host.name)
    if not _looked.issuperset(active_host.name for active_host in run.active_hosts):
        return
    sentences = list(dict.fromkeys(sentence for _, lost in sorted(_gone.items()) for sentence in lost()))
    if sentences and not (inventory_layers.is_dry() or inventory.get_override_data().get(CONSENT)):
        _held().release()
        raise RollcallError(
            f"{'; '.join(sentences)}; expected the hosts in their groups, or `rollcall deploy --yes` "
            f"(pyinfra: --data {CONSENT}=true)"
        )
    for sentence in sentences:
        logger.warning(sentence)
    _held().release()
