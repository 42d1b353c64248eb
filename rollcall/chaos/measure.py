"""Requests that visitors made, and what they noticed of a fault. No I/O."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True, slots=True)
class Request:
    """One request through a front; times by the same clock. `failure` is what came instead of a response, or ""."""

    front: str
    began: float
    ended: float
    failure: str = ""


@dataclass(frozen=True)
class Allowance:
    """Failures that docs/limits.md allows: through these fronts, of requests that began before a moment."""

    fronts: frozenset[str] = frozenset()
    until: float = 0.0

    def covers(self, request: Request) -> bool:
        """Whether this failure is no alarm."""
        return request.front in self.fronts and request.began <= self.until


def failed(requests: Iterable[Request]) -> list[Request]:
    """Return the requests that failed."""
    return [request for request in requests if request.failure]


def unexpected(requests: Iterable[Request], allowances: Sequence[Allowance]) -> list[Request]:
    """Return the failures that are an alarm, since no allowance covers them."""
    return [request for request in failed(requests) if not any(one.covers(request) for one in allowances)]


def longest_gap(requests: Sequence[Request], began: float, ended: float) -> float:
    """Return the longest time in which no request through one of the fronts succeeded; the worst front counts."""
    gaps = [0.0]
    for front in {request.front for request in requests}:
        good = sorted(one.ended for one in requests if one.front == front and not one.failure)
        moments = [began, *(moment for moment in good if began <= moment <= ended), ended]
        gaps += [later - earlier for earlier, later in pairwise(moments)]
    return max(gaps)
