"""Count requests, errors and seconds from the line that nginx appends per proxied request: by server, by instance."""

import ctypes
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from rollcall.front.inputs.catalog import Instance, Owner
from rollcall.front.routing.model import Upstream
from rollcall.front.status.document import Counts

# A bound, since services that are replaced often leave an entry for every container they ever had.
INSTANCES = 20_000
BLOCK = 1 << 20  # bytes
# linux/falloc.h: FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE
PUNCH_HOLE = 0x01 | 0x02


def tally(lines: Iterable[str]) -> dict[str, Counts]:
    """Count tries by server (address:port) in lines of "$upstream_addr|$upstream_status|$upstream_response_time".

    An error is a try without a response, or with a 5xx. A stream's line has four parts, see below. Other lines are
    ignored.
    """
    requests: dict[str, int] = {}
    bytes_received: dict[str, int] = {}
    bytes_sent: dict[str, int] = {}
    errors: dict[str, int] = {}
    seconds: dict[str, float] = {}
    for line, times in Counter(lines).items():
        for server, status, took in _tries(line):
            requests[server] = requests.get(server, 0) + times
            if status == "-" or status.startswith("5"):
                errors[server] = errors.get(server, 0) + times
            # After an upgrade (101) it is the life of a WebSocket, and no time of a response.
            if took != "-" and status != "101":
                seconds[server] = seconds.get(server, 0.0) + times * float(took)
        for server, status, sent, received in _connections(line):
            requests[server] = requests.get(server, 0) + times
            if status.startswith("5"):
                errors[server] = errors.get(server, 0) + times
            bytes_sent[server] = bytes_sent.get(server, 0) + times * sent
            bytes_received[server] = bytes_received.get(server, 0) + times * received
    return {
        server: Counts(
            count,
            errors.get(server, 0),
            seconds.get(server, 0.0),
            bytes_received.get(server, 0),
            bytes_sent.get(server, 0),
        )
        for server, count in requests.items()
    }


def _connections(line: str) -> Iterator[tuple[str, str, int, int]]:
    """Split a stream's line, "$upstream_addr|$status|$bytes_sent|$bytes_received".

    Only the last server got the connection; those before it did not accept one.
    """
    parts = line.split("|")
    if len(parts) != 4 or not (parts[2].isdigit() and parts[3].isdigit()):
        return
    *failed, last = [server for server in parts[0].split(", ") if server.rpartition(":")[2].isdigit()] or [""]
    yield from ((server, "502", 0, 0) for server in failed)
    if last:
        yield last, parts[1], int(parts[2]), int(parts[3])


def _tries(line: str) -> Iterator[tuple[str, str, str]]:
    """Split a line: nginx puts ", " between tries, and " : " between internal redirects."""
    parts = line.split("|")
    if len(parts) != 3:
        return
    tries = zip(*(part.replace(" : ", ", ").split(", ") for part in parts), strict=False)
    for server, status, took in tries:
        # "-" means no server; for an upstream without a server left, nginx writes its name.
        if server.rpartition(":")[2].isdigit() and _is_number(took):
            yield server, status, took


def stranded(lines: Iterable[str]) -> set[str]:
    """Return the upstreams that had no server left: nginx then writes their name in the place of the last server."""
    found = set()
    for line in lines:
        servers, _, rest = line.partition("|")
        last = servers.replace(" : ", ", ").rpartition(", ")[2]
        if rest and last not in ("", "-") and not last.rpartition(":")[2].isdigit() and not last.startswith("unix:"):
            found.add(last)
    return found


def _is_number(text: str) -> bool:
    return text == "-" or text.replace(".", "", 1).isdigit()


class CountedLog:
    """nginx's lines. Each read continues where the last one ended, and frees what it has read."""

    def __init__(self, log: Path) -> None:
        """Take the file that nginx appends to; it may not exist yet."""
        self._log = log
        self._at = 0
        self._begun = b""
        # The upstreams of which nothing was left, in the lines that were read last.
        self.stranded: set[str] = set()

    def read(self) -> dict[str, Counts]:
        """Count the new lines by server.

        Raises:
            OSError: the file cannot be read, or its file system cannot give back a part of it.
        """
        self.stranded = set()
        try:
            file = os.open(self._log, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return {}
        new: dict[str, Counts] = {}
        try:
            if os.fstat(file).st_size < self._at:
                # A new file of the same name.
                self._at, self._begun = 0, b""
            while block := os.pread(file, BLOCK, self._at):
                self._at += len(block)
                _join(new, self._tallied(block))
            _give_back(file, self._at)
        finally:
            os.close(file)
        return new

    def _tallied(self, block: bytes) -> dict[str, Counts]:
        *whole, self._begun = (self._begun + block).split(b"\n")
        # Under load most lines are alike, and counting equal ones is a tenth of the work of reading each.
        lines = Counter(line.decode(errors="replace") for line in whole)
        self.stranded |= stranded(lines)
        return tally(lines)


_Name = TypeVar("_Name")


def _join(counts: dict[_Name, Counts], new: Mapping[_Name, Counts]) -> None:
    for name, more in new.items():
        # Removing and inserting moves a name to the end: the first is the longest unused.
        counts[name] = counts.pop(name, Counts()) + more


class Totals:
    """The counts of each instance, and of each service, from those of each server (address:port).

    A server is whoever has it now: Docker gives the address of a container that ended to the next one.
    """

    def __init__(self) -> None:
        """Start without any."""
        self._owners: dict[str, tuple[Instance, ...]] = {}
        self._counts: dict[Owner, Counts] = {}

    @property
    def counts(self) -> Mapping[Owner, Counts]:
        """Return all tries by instance; beyond INSTANCES the longest unused are dropped."""
        return self._counts

    def serves(self, upstreams: Iterable[Upstream]) -> None:
        """Learn whose servers these are from now on. One that left keeps its own until another instance has it."""
        now: dict[str, dict[Owner, Instance]] = {}
        for upstream in upstreams:
            for server in upstream.servers:
                instance = server.instance
                now.setdefault(instance.endpoint, {})[instance.counted_as] = instance
        for server_name, instances in now.items():
            self._owners.pop(server_name, None)
            self._owners[server_name] = tuple(instances.values())
        _shorten(self._owners)

    def knows(self, server: str) -> bool:
        """Whether it is known whose server that is."""
        return server in self._owners

    def add(self, new: Mapping[str, Counts]) -> dict[str, Counts]:
        """Add counts by server, and return them by service; those of unknown servers are left out."""
        services: dict[str, Counts] = {}
        for server, more in new.items():
            # One container may be registered for two services: nginx does not tell for which one it served.
            for instance in self._owners.get(server, ()):
                _join(self._counts, {instance.counted_as: more})
                _join(services, {instance.service: more})
        _shorten(self._counts)
        return services


def _shorten(known: dict[Any, Any]) -> None:
    while len(known) > INSTANCES:
        del known[next(iter(known))]


def _give_back(file: int, length: int) -> None:
    """Free the memory of a file's first bytes, in whole pages, without changing its length or disturbing writers.

    Truncating would lose lines that nginx appends meanwhile. Python itself has no call for this.
    """
    if length == 0:
        return
    library = ctypes.CDLL(None, use_errno=True)
    offset, size = ctypes.c_int64(0), ctypes.c_int64(length)
    if library.fallocate(file, PUNCH_HOLE, offset, size) != 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
