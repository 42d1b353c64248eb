"""Somebody who keeps asking the front while something happens to the fleet."""

import http.client
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import Self

from deployed import status, wait_for


class Visitor:
    """Asks again and again, with a new connection each time, and remembers every answer; 0 is none at all."""

    def __init__(self) -> None:
        self.answers: list[int] = []
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._visit)

    def ask(self) -> int:
        return status(timeout=10)

    def _visit(self) -> None:
        while not self._end.is_set():
            self.answers.append(self.ask())
            self._end.wait(0.02)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.set()
        self._thread.join()

    @property
    def failed(self) -> list[int]:
        return [answer for answer in self.answers if answer != 200]


class LastingVisitor(Visitor):
    """Asks over one connection for as long as the front keeps it, as browsers do."""

    def __init__(self) -> None:
        super().__init__()
        self._connection: http.client.HTTPConnection | None = None

    def ask(self) -> int:
        if self._connection is None:
            self._connection = http.client.HTTPConnection("127.0.0.1", 8080, timeout=10)
        try:
            self._connection.request("GET", "/health")
            answer = self._connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            self._connection = None
            return 0
        if answer.will_close:
            self._connection = None
        return answer.status


class Crowd:
    """Visitors of both kinds at the same time."""

    def __init__(self, new: int = 4, lasting: int = 4) -> None:
        kinds: tuple[tuple[Callable[[], Visitor], int], ...] = ((Visitor, new), (LastingVisitor, lasting))
        self.visitors = [kind() for kind, count in kinds for _ in range(count)]
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        for visitor in self.visitors:
            self._stack.enter_context(visitor)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    @property
    def asked(self) -> int:
        return sum(len(visitor.answers) for visitor in self.visitors)

    @property
    def failed(self) -> list[int]:
        return [answer for visitor in self.visitors for answer in visitor.failed]

    @property
    def account(self) -> str:
        return f"{len(self.failed)} of {self.asked} requests failed"


@contextmanager
def crowded(new: int = 4, lasting: int = 4) -> Iterator[Crowd]:
    """Have visitors ask for as long as the block lasts; it begins when all of them are at it."""
    with Crowd(new, lasting) as crowd:
        wait_for("a few answers to each visitor", lambda: all(len(visitor.answers) > 5 for visitor in crowd.visitors))
        yield crowd
