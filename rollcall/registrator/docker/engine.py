"""Read the Docker Engine: running containers, their inspect documents, and the event stream."""

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
from rollcall.registrator.docker.container import Container
from rollcall.registrator.docker.engine_address import engine_target
from rollcall.registrator.docker.events import FILTERS, Event, read_event
from rollcall.registrator.http_connection import Connection, HttpError, Response, reason, stream
from rollcall.registrator.services.network_owner import NetworkOwner

log = logging.getLogger(__name__)

# An engine under load may take seconds to inspect.
TIMEOUT_SECONDS = stretched(20)
RECONNECT_FIRST, RECONNECT_CAP = 0.05, 2.0
EVENTS = f"/events?{urlencode({'filters': json.dumps(FILTERS, separators=(',', ':'))})}"


class EngineError(Exception):
    """The engine does not respond as it should. The text is the reason."""


@dataclass(frozen=True)
class Connected:
    """The event stream started or restarted: earlier events are unknown."""


@dataclass(frozen=True)
class Inspected:
    """An inspected container and the owner of its network, without `error`; no container: it does not exist."""

    container_id: str
    container: Container | None = None
    owner: NetworkOwner | None = None
    # What the container was read from, for the templates in its tags.
    document: Mapping[str, object] = field(default_factory=dict)
    error: str = ""


@dataclass(frozen=True)
class Listed:
    """The ids of all running containers, or an error."""

    containers: tuple[str, ...] = ()
    error: str = ""


Message = Event | Connected | Inspected | Listed
Inbox = SimpleQueue[Message]


class Engine:
    """One engine, with a keep-alive connection per thread and one for the event stream."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Prepare from DOCKER_HOST, DOCKER_TLS_VERIFY and DOCKER_CERT_PATH; sends nothing yet. Raises UsageError.

        `listening` is whether the event stream is up.
        """
        self._target = engine_target(environment)
        self._local = threading.local()
        self._away = False
        self.listening = False

    def running(self) -> list[str]:
        """Return the ids of all running containers, including paused ones. Raises EngineError."""
        return [str(container["Id"]) for container in _read(self._get("/containers/json"))]

    def inspect(self, container_id: str) -> Mapping[str, object] | None:
        """Return a container's inspect document, None if it does not exist. Raises EngineError."""
        response = self._get(f"/containers/{quote(container_id, safe='')}/json")
        if response.status == HTTPStatus.NOT_FOUND:
            return None
        document: Mapping[str, object] = _read(response)
        return document

    def watch(self, inbox: Inbox) -> None:
        """Put events into the inbox forever, and reconnect whenever the stream ends."""
        backoff = Backoff(RECONNECT_FIRST, RECONNECT_CAP)
        while True:
            try:
                self._follow(inbox, backoff)
                why = "its event stream ended"
            # A stream may break anywhere, and no error may end this thread.
            except Exception as error:
                why = reason(error)
            self.listening = False
            if not self._away:
                log.warning("Docker does not respond (%s); retrying", why)
            self._away = True
            time.sleep(backoff.delay())

    def _follow(self, inbox: Inbox, backoff: Backoff) -> None:
        with stream(self._target, EVENTS, TIMEOUT_SECONDS) as (response, lines):
            _check(response)
            log.info(
                "connected to Docker, API %s: listening for its events", response.headers.get("api-version", "unknown")
            )
            self._away = False
            self.listening = True
            backoff.reset()
            inbox.put(Connected())
            for line in lines:
                event = read_event(json.loads(line))
                if event:
                    inbox.put(event)

    def _get(self, path: str) -> Response:
        if not hasattr(self._local, "connection"):
            self._local.connection = Connection(self._target, TIMEOUT_SECONDS)
        try:
            response: Response = self._local.connection.request("GET", path)
        except HttpError as error:
            raise EngineError(str(error)) from error
        return response


def _read(response: Response) -> Any:
    _check(response)
    try:
        return json.loads(response.body)
    except ValueError as error:
        raise EngineError(f"not a Docker Engine: {error}") from None


def _check(response: Response) -> None:
    if response.ok:
        return
    text = response.body.decode(errors="replace")
    try:
        text = str(json.loads(text)["message"])
    except (ValueError, KeyError, TypeError):
        text = text.strip() or "no reason given"
    raise EngineError(f"{response.status} {' '.join(text.split())}")
