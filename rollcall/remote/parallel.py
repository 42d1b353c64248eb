"""Work on several hosts at once."""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

# An ssh connection takes about 0.1 s of a processor to open; on a host that shares this machine's processors, as the
# lab's do, a look takes a second of them. More at once end no earlier, and each may exceed its time.
PER_PROCESSOR = 6

Item = TypeVar("Item")
Result = TypeVar("Result")


def on_each(items: Iterable[Item], work: Callable[[Item], Result], at_once: int | None = None) -> list[Result]:
    """Call a function for each item in a thread of its own, and return the results in order.

    Args:
        items: such as hosts.
        work: the function; the first error of the items is raised once all have ended.
        at_once: how many items to work on at the same time; None for all of them.
    """
    listed = list(items)
    with ThreadPoolExecutor(max_workers=max(1, at_once or len(listed))) as pool:
        return list(pool.map(work, listed))


def workers(hosts: int) -> int:
    """Return how many of this many hosts to work on at once where that takes this machine's processors."""
    return max(1, min(hosts, PER_PROCESSOR * (os.cpu_count() or 1)))
