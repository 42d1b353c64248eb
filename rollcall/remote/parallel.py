"""How many hosts to work on at once: what they send back, and ssh itself, take this machine's processors."""

import os

# An ssh connection takes about 0.1 s of a processor to open; on a host that shares this machine's processors, as the
# lab's do, a look takes a second of them. More at once end no earlier, and each may exceed its time.
PER_PROCESSOR = 6


def workers(hosts: int) -> int:
    """Return how many threads to use for this many hosts."""
    return max(1, min(hosts, PER_PROCESSOR * (os.cpu_count() or 1)))
