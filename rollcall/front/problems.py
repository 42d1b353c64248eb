"""What is not as it should be at the moment, by kind, and since when."""

from collections.abc import Iterable
from datetime import UTC, datetime

from rollcall.front.document import Problem
from rollcall.front.log import say


class Problems:
    """The problems of the moment; each is logged once, when it comes up."""

    def __init__(self) -> None:
        """Begin without any."""
        self._since: dict[tuple[str, str], datetime] = {}

    def are(self, kind: str, texts: Iterable[str]) -> None:
        """Take these, each one sentence, for all problems of a kind; none is how a kind of problem ends."""
        now = datetime.now(UTC)
        known = {key: since for key, since in self._since.items() if key[0] == kind}
        for key in known:
            del self._since[key]
        for text in texts:
            if (kind, text) not in known:
                say(text)
            self._since[kind, text] = known.get((kind, text), now)

    def all(self) -> tuple[Problem, ...]:
        """Every problem, in the order in which they came up."""
        return tuple(Problem(kind, text, since) for (kind, text), since in self._since.items())
