"""What is not as it should be at the moment, by kind, and since when."""

from collections.abc import Iterable
from datetime import UTC, datetime

from rollcall.front.log import say
from rollcall.front.status.document import Problem


class Problems:
    """The problems of the moment; each is logged once, when it comes up."""

    def __init__(self) -> None:
        """Begin without any."""
        self._since: dict[tuple[str, str, str], datetime] = {}

    def are(self, kind: str, texts: Iterable[str], source: str = "") -> None:
        """Take these, each one sentence, for all problems of a kind; none is how a kind of problem ends.

        Where several find problems of one kind, each has a `source` of its own, and ends no other's.
        """
        now = datetime.now(UTC)
        known = {key: since for key, since in self._since.items() if key[:2] == (kind, source)}
        for key in known:
            del self._since[key]
        for text in texts:
            key = kind, source, text
            if key not in known:
                say(text)
            self._since[key] = known.get(key, now)

    def all(self) -> tuple[Problem, ...]:
        """Every problem, in the order in which they came up."""
        return tuple(Problem(kind, text, since) for (kind, _, text), since in self._since.items())
