"""What is not as it should be at the moment, by who found it, and since when."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime

from rollcall.contract.problems import Problem, ordered
from rollcall.front.log import write_line


class Problems:
    """The problems of the moment; each is logged once, when it comes up."""

    def __init__(self) -> None:
        """Begin without any."""
        self._found: dict[str, dict[tuple[str, str], Problem]] = {}

    def are(self, kind: str, texts: Iterable[str], source: str = "") -> None:
        """Take these, each one sentence, for all problems of a kind; none is how a kind of problem ends.

        Where several find problems of one kind, each has a `source` of its own, and ends no other's.
        """
        self.found_by(f"{kind} {source}", (Problem(kind, text) for text in texts))

    def found_by(self, source: str, problems: Iterable[Problem]) -> None:
        """Take these for all that a source finds now. One that was there before keeps its time."""
        now = datetime.now(UTC)
        known = self._found.get(source, {})
        found = {}
        for one in problems:
            before = known.get(one.key)
            if before is None:
                write_line(one.text)
            found[one.key] = replace(one, since=before.since if before else now)
        self._found[source] = found

    def all(self) -> tuple[Problem, ...]:
        """Every problem, the worst first."""
        return ordered(one for found in self._found.values() for one in found.values())
