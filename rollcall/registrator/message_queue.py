"""The messages that wait for the loop, in the order in which it handles them."""

from collections import deque
from queue import Empty

from rollcall.registrator.docker.engine import Inbox, Inspected, Message
from rollcall.registrator.docker.events import Event


class MessageQueue:
    """Take messages from an inbox: events first, since results of inspections wait for Consul's response to a write."""

    def __init__(self, inbox: Inbox) -> None:
        """Prepare; takes nothing yet."""
        self._inbox = inbox
        self._pending: deque[Message] = deque()

    def wait(self, seconds: float) -> bool:
        """Wait for a message, and return whether there is one."""
        try:
            self._pending.append(self._inbox.get(timeout=seconds) if seconds else self._inbox.get_nowait())
        except Empty:
            return False
        return True

    def take_events(self) -> list[Event]:
        """Take all events but those that come after an inspection of the same container, or of one on its network."""
        self._receive()
        events: list[Event] = []
        others: deque[Message] = deque()
        inspected: set[str] = set()
        for message in self._pending:
            if isinstance(message, Event) and message.container_id not in inspected:
                events.append(message)
                continue
            others.append(message)
            if isinstance(message, Inspected):
                inspected |= {message.container_id, *(message.owner.network_chain if message.owner else ())}
        self._pending = others
        return events

    def take(self) -> Message | None:
        """Take the oldest message."""
        return self._pending.popleft() if self._pending else None

    def __bool__(self) -> bool:
        """Whether messages were received and not taken."""
        return bool(self._pending)

    def _receive(self) -> None:
        try:
            while True:
                self._pending.append(self._inbox.get_nowait())
        except Empty:
            return
