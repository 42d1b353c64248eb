"""The Docker Engine: which containers run, what they are, and a stream of what happens to them."""

import contextlib
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from queue import SimpleQueue

import docker
import requests
from docker.utils import kwargs_from_env

from rollcall.contract.timeouts import stretched
from rollcall.registrator.consul.backoff import Backoff
from rollcall.registrator.docker.events import FILTERS, Event, read_event

log = logging.getLogger(__name__)

DEFAULT_HOST = "unix:///tmp/docker.sock"
# Of one request, in seconds. An engine under load may take seconds to inspect.
TIMEOUT = stretched(20)
RECONNECT_FIRST, RECONNECT_CAP = 0.05, 2.0


class EngineError(Exception):
    """The engine does not answer as it should. Its text is the reason."""


@dataclass(frozen=True)
class Connected:
    """The event stream has (again) begun: what happened before it is unknown."""


Inbox = SimpleQueue[Event | Connected]


class Engine:
    """One engine. Requests keep their connection; the event stream has one of its own."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Prepare from DOCKER_HOST, DOCKER_TLS_VERIFY and DOCKER_CERT_PATH; nothing is sent yet.

        `listening` tells whether the event stream stands.
        """
        variables = {**environment, "DOCKER_HOST": environment.get("DOCKER_HOST") or DEFAULT_HOST}
        self._options = kwargs_from_env(variables)
        self._client: docker.APIClient | None = None
        self._away = False
        self.listening = False

    def running(self) -> list[str]:
        """The ids of all running containers, paused ones included. Raises EngineError."""
        try:
            return [container["Id"] for container in self._requests().containers()]
        except (docker.errors.DockerException, requests.RequestException) as error:
            raise self._lost(error) from error

    def inspect(self, container_id: str) -> Mapping[str, object] | None:
        """One container's inspect document, None when it does not exist. Raises EngineError."""
        try:
            document: Mapping[str, object] = self._requests().inspect_container(container_id)
        except docker.errors.NotFound:
            return None
        except (docker.errors.DockerException, requests.RequestException) as error:
            raise self._lost(error) from error
        return document

    def watch(self, inbox: Inbox) -> None:
        """Put events into the inbox for ever, connecting anew whenever the stream ends."""
        backoff = Backoff(RECONNECT_FIRST, RECONNECT_CAP)
        while True:
            try:
                self._follow(inbox, backoff)
                reason = "its event stream ended"
            # A stream that is cut anywhere raises from four libraries, and none of it may end this thread.
            except Exception as error:
                reason = _line(error)
            self.listening = False
            if not self._away:
                log.warning("Docker does not answer (%s): waiting for it", reason)
            self._away = True
            time.sleep(backoff.delay())

    def _follow(self, inbox: Inbox, backoff: Backoff) -> None:
        client = self._connect()
        with contextlib.closing(client), contextlib.closing(client.events(filters=FILTERS, decode=True)) as stream:
            log.info("Docker answers, API %s: listening for its events", client.api_version)
            self._away = False
            self.listening = True
            backoff.reset()
            inbox.put(Connected())
            for document in stream:
                event = read_event(document)
                if event:
                    inbox.put(event)

    def _connect(self) -> docker.APIClient:
        client = docker.APIClient(version="auto", timeout=TIMEOUT, **self._options)
        # Looking for a proxy and for .netrc at every request would take longer than the request.
        client.trust_env = False
        return client

    def _requests(self) -> docker.APIClient:
        if self._client is None:
            self._client = self._connect()
        return self._client

    def _lost(self, error: Exception) -> EngineError:
        # The engine that comes back may be another version.
        self._client = None
        return EngineError(_line(error))


def _line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
