"""Keep the current problems, by source and with their start."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime

from rollcall.contract.problems import Problem, ordered
from rollcall.front.log import write_line


class Problems:
    """The current problems; each is logged once, when it appears."""

    def __init__(self) -> None:
        """Start without any."""
        self._found: dict[str, dict[tuple[str, str], Problem]] = {}

    def are(self, kind: str, texts: Iterable[str], source: str = "") -> None:
        """Take these, each one sentence, for all problems of a kind; none is how a kind of problem ends.

        Several sources of one kind have a `source` each, and replace only their own.
        """
        self.found_by(f"{kind} {source}", (Problem(kind, text) for text in texts))

    def found_by(self, source: str, problems: Iterable[Problem]) -> None:
        """Replace all problems of a source; one that continues keeps its time."""
        now = datetime.now(UTC)
        known = self._found.get(source, {})
        found = {}
        for problem in problems:
            before = known.get(problem.key)
            if before is None:
                write_line(problem.text)
            found[problem.key] = replace(problem, since=before.since if before else now)
        self._found[source] = found

    def all(self) -> tuple[Problem, ...]:
        """Return every problem, the worst first."""
        return ordered(problem for found in self._found.values() for problem in found.values())
