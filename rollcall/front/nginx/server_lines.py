"""Tell a change of upstreams' servers from every other change of nginx's configuration.

Such a change needs no check before the reload: nginx accepted every other line, and these have numbers alone.
"""

import re
from collections.abc import Sequence
from itertools import takewhile

# As sites.conf.j2 and streams.conf.j2 write them; the size of the upstreams' zone follows their servers.
_SERVERS = re.compile(
    r"(?:\n    server (?:127\.0\.0\.1:65535|(?:[0-9.]+|\[[0-9a-f:.]+\]):[0-9]{1,5}"
    r" max_fails=[0-9]+ fail_timeout=[0-9]+ weight=[1-9][0-9]*);)+"
)
_ZONE = re.compile(r"(\n    zone (?:instances|streams)) [1-9][0-9]*k;")


def differ_in_servers_alone(one: str, other: str) -> bool:
    """Whether two configurations are the same but for upstreams' servers; one that lost its last is another change."""
    # Patterns for the whole text of a thousand sites would take a quarter of the check that they save.
    lines = one.split("\n"), other.split("\n")
    before = _equal(*lines)
    after = min(_equal(lines[0][::-1], lines[1][::-1]), min(map(len, lines)) - before)
    # With a line around it: a server more beside another is the same as two servers instead of one.
    differing = (some[max(0, before - 1) : len(some) - after + 1] for some in lines)
    return len(set(map(_without, differing))) == 1


def _equal(one: Sequence[str], other: Sequence[str]) -> int:
    """Return how many lines are equal at the beginning."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _without(lines: Sequence[str]) -> str:
    text = "\n" + "\n".join(lines)
    return _ZONE.sub(r"\1;", _SERVERS.sub("\n    server;", text))
