"""The Docker Engine: which containers run, what they are, and a stream of what happens to them."""

import json
import logging
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from queue import SimpleQueue
from typing import Any
from urllib.parse import quote, urlencode

from rollcall.contract.timeouts import stretched
from rollcall.registrator.consul.backoff import Backoff
from rollcall.registrator.docker.container import Container, read_container
from rollcall.registrator.docker.engine_address import engine_target
from rollcall.registrator.docker.events import FILTERS, Event, read_event
from rollcall.registrator.http_connection import Answer, Connection, HttpError, reason, stream

log = logging.getLogger(__name__)

# Of one request, in seconds. An engine under load may take seconds to inspect.
TIMEOUT = stretched(20)
RECONNECT_FIRST, RECONNECT_CAP = 0.05, 2.0
EVENTS = f"/events?{urlencode({'filters': json.dumps(FILTERS, separators=(',', ':'))})}"


class EngineError(Exception):
    """The engine does not answer as it should. Its text is the reason."""


@dataclass(frozen=True)
class Connected:
    """The event stream has (again) begun: what happened before it is unknown."""


@dataclass(frozen=True)
class Inspected:
    """What the engine says of a container and of those whose network it uses; `error` tells why it says nothing."""

    container_id: str
    document: Mapping[str, object] | None = None
    lenders: Mapping[str, Mapping[str, object] | None] = field(default_factory=dict)
    error: str = ""

    def lender(self, text: str) -> Container | None:
        """Find the container that stands so in a network mode; None where it is gone."""
        document = self.lenders.get(text)
        return read_container(document) if document is not None else None


@dataclass(frozen=True)
class Listed:
    """The ids of all running containers; `error` tells why there are none."""

    containers: tuple[str, ...] = ()
    error: str = ""


Message = Event | Connected | Inspected | Listed
Inbox = SimpleQueue[Message]


class Engine:
    """One engine. Requests keep their connection, one in each thread; the event stream has one of its own."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Prepare from DOCKER_HOST, DOCKER_TLS_VERIFY and DOCKER_CERT_PATH. Raises UsageError; nothing is sent yet.

        `listening` tells whether the event stream stands.
        """
        self._target = engine_target(environment)
        self._local = threading.local()
        self._away = False
        self.listening = False

    def running(self) -> list[str]:
        """The ids of all running containers, paused ones included. Raises EngineError."""
        return [str(container["Id"]) for container in _read(self._get("/containers/json"))]

    def inspect(self, container_id: str) -> Mapping[str, object] | None:
        """One container's inspect document, None when it does not exist. Raises EngineError."""
        answer = self._get(f"/containers/{quote(container_id, safe='')}/json")
        if answer.status == HTTPStatus.NOT_FOUND:
            return None
        document: Mapping[str, object] = _read(answer)
        return document

    def watch(self, inbox: Inbox) -> None:
        """Put events into the inbox for ever, connecting anew whenever the stream ends."""
        backoff = Backoff(RECONNECT_FIRST, RECONNECT_CAP)
        while True:
            try:
                self._follow(inbox, backoff)
                why = "its event stream ended"
            # A stream may be cut anywhere, and nothing may end this thread.
            except Exception as error:
                why = reason(error)
            self.listening = False
            if not self._away:
                log.warning("Docker does not answer (%s): waiting for it", why)
            self._away = True
            time.sleep(backoff.delay())

    def _follow(self, inbox: Inbox, backoff: Backoff) -> None:
        with stream(self._target, EVENTS, TIMEOUT) as (answer, lines):
            _check(answer)
            log.info("Docker answers, API %s: listening for its events", answer.headers.get("Api-Version", "unknown"))
            self._away = False
            self.listening = True
            backoff.reset()
            inbox.put(Connected())
            for line in lines:
                event = read_event(json.loads(line))
                if event:
                    inbox.put(event)

    def _get(self, path: str) -> Answer:
        if not hasattr(self._local, "connection"):
            self._local.connection = Connection(self._target, TIMEOUT)
        try:
            answer: Answer = self._local.connection.request("GET", path)
        except HttpError as error:
            raise EngineError(str(error)) from error
        return answer


def _read(answer: Answer) -> Any:
    _check(answer)
    try:
        return json.loads(answer.body)
    except ValueError as error:
        raise EngineError(f"what answers is no Docker Engine: {error}") from None


def _check(answer: Answer) -> None:
    if answer.good:
        return
    text = answer.body.decode(errors="replace")
    try:
        text = str(json.loads(text)["message"])
    except (ValueError, KeyError, TypeError):
        text = text.strip() or "no reason given"
    raise EngineError(f"{answer.status} {' '.join(text.split())}")
