"""Visitors of a fleet's fronts, a few for each, who keep requesting while something happens to it."""

import http.client
import ssl
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from rollcall import waiting
from rollcall.chaos.measure import Request
from rollcall.contract.timeouts import stretched
from rollcall.remote.tunnel import Endpoint

# Of each kind and front: half of the visitors keep their connection as browsers do, half connect anew each time.
VISITORS = 4
PAUSE_SECONDS = 0.1
REQUEST_TIMEOUT_SECONDS = 10.0
# What a front responds itself when it has no instance that does.
SERVER_ERROR = 500


@dataclass(frozen=True)
class Site:
    """A site of a front: where this machine reaches it, and what a request to it says."""

    front: str
    endpoint: Endpoint
    host: str
    path: str = "/"
    tls: bool = False
    preface: bytes = b""

    @property
    def name(self) -> str:
        """Return the site as people write it."""
        return f"{self.host}{self.path}"


class Visitor:
    """Sends one request after the other to the sites of one front, in turn."""

    def __init__(self, sites: Sequence[Site], tls: ssl.SSLContext, *, keeps: bool) -> None:
        """Take the sites, all of one front; send no request yet."""
        self._sites = sites
        self._tls = tls
        self._keeps = keeps
        self._connection: http.client.HTTPConnection | None = None
        self._turn = 0

    def request(self) -> Request:
        """Send one request and return what came of it."""
        site = self._sites[self._turn % len(self._sites)]
        self._turn += 1
        began = time.monotonic()
        try:
            failure = self._failure(site)
        except TimeoutError:
            failure = f"no response within {stretched(REQUEST_TIMEOUT_SECONDS):g} s"
            self.close()
        except (OSError, http.client.HTTPException) as error:
            failure = f"no response ({type(error).__name__})"
            self.close()
        return Request(site.front, began, time.monotonic(), failure)

    def _failure(self, site: Site) -> str:
        connection = self._connection or self._connected(site)
        self._connection = connection
        connection.request("GET", site.path, headers={"Host": site.host})
        response = connection.getresponse()
        response.read()
        if response.will_close or not self._keeps:
            self.close()
        return f"status {response.status}" if response.status >= SERVER_ERROR else ""

    def _connected(self, site: Site) -> http.client.HTTPConnection:
        connection = http.client.HTTPConnection(*site.endpoint, timeout=stretched(REQUEST_TIMEOUT_SECONDS))
        connection.connect()
        connection.sock.sendall(site.preface)
        if site.tls:
            connection.sock = self._tls.wrap_socket(connection.sock, server_hostname=site.host)
        return connection

    def close(self) -> None:
        """Close the connection, if there is one."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(OSError):
                connection.close()


class Load:
    """All visitors, each in a thread of its own, while the block runs."""

    def __init__(self, sites: Sequence[Site], tls: ssl.SSLContext) -> None:
        """Take the sites of all fronts."""
        by_front: dict[str, list[Site]] = {}
        for site in sites:
            by_front.setdefault(site.front, []).append(site)
        self.fronts: Mapping[str, Sequence[Site]] = by_front
        self._end = threading.Event()
        self._lock = threading.Lock()
        self._requests: list[Request] = []
        self.count = 0
        visitors = [Visitor(own, tls, keeps=keeps) for own in by_front.values() for keeps in (True, False) * VISITORS]
        # When the last request of each began that has ended.
        self._last = [0.0] * len(visitors)
        self._failures = [""] * len(visitors)
        self._threads = [
            threading.Thread(target=self._visit, args=(number, visitor), daemon=True)
            for number, visitor in enumerate(visitors)
        ]

    def __enter__(self) -> Self:
        """Begin."""
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End; a request that is on its way is no longer waited for."""
        self._end.set()

    def taken(self) -> list[Request]:
        """Return the requests that ended since the last call."""
        with self._lock:
            found, self._requests = self._requests, []
        return found

    def settle(self) -> None:
        """Wait until every request that is on its way has ended, and every visitor has made another one."""
        now = time.monotonic()
        # Each visitor may be at a request, and makes one more.
        waiting.until(lambda: min(self._last, default=now) >= now, 3 * stretched(REQUEST_TIMEOUT_SECONDS))

    def failures(self) -> tuple[str, ...]:
        """Return the failures that visitors met at their last request, each once."""
        return tuple(sorted({failure for failure in self._failures if failure}))

    def _visit(self, number: int, visitor: Visitor) -> None:
        while not self._end.is_set():
            request = visitor.request()
            with self._lock:
                self._requests.append(request)
                self.count += 1
                self._last[number] = request.began
                self._failures[number] = request.failure and f"through {request.front}: {request.failure}"
            self._end.wait(PAUSE_SECONDS)
        visitor.close()


def responding(sites: Sequence[Site], tls: ssl.SSLContext) -> dict[Site, str]:
    """Try each site once; return why it failed, or "", by site."""
    found = {}
    for site in sites:
        visitor = Visitor([site], tls, keeps=False)
        found[site] = visitor.request().failure
        visitor.close()
    return found
