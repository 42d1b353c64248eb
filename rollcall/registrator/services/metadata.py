"""Read the SERVICE_… variables and labels that describe a port's service."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rollcall.registrator.docker.container import Container, Port

PREFIX = "SERVICE_"
# 80_name, 8000-8010_name, 53_udp_name
FOR_PORTS = re.compile(
    r"(?P<first>\d{1,5})(?:-(?P<last>\d{1,5}))?_(?:(?P<protocol>tcp|udp)_)?(?P<key>.+)", re.DOTALL | re.ASCII
)

# How specific an entry is for a port. The most specific wins, in any order.
ANY_PORT, PORT_RANGE, ONE_PORT = 0, 1, 2


@dataclass(frozen=True)
class Entry:
    """A value, its key as the container spells it, and whether the key names the port."""

    value: str
    spelled: str
    for_port: bool


@dataclass(frozen=True)
class Metadata:
    """A port's metadata. Keys are lower case, without SERVICE_ and port."""

    entries: Mapping[str, Entry]

    def get(self, key: str) -> str:
        """Return the value, "" if it is absent."""
        entry = self.entries.get(key)
        return entry.value if entry else ""

    def spelled(self, key: str) -> str:
        """Return the key as the container spells it, for messages."""
        entry = self.entries.get(key)
        return entry.spelled if entry else PREFIX + key.upper()

    def names_port(self, key: str) -> bool:
        """Whether the value is for this port (or a range with it), not for the whole container."""
        entry = self.entries.get(key)
        return entry is not None and entry.value != "" and entry.for_port


def read_metadata(container: Container, port: Port) -> Metadata:
    """Collect a port's metadata: the most specific entry wins, and a label wins over the environment."""
    ranked: dict[str, tuple[tuple[int, int, int], Entry]] = {}
    sources = enumerate((container.environment, container.labels))
    for source, key, value in ((source, *pair) for source, pairs in sources for pair in sorted(pairs.items())):
        for name, closeness, protocol in _applies(key, port):
            rank = (closeness, protocol, source)
            if name not in ranked or ranked[name][0] <= rank:
                ranked[name] = (rank, Entry(value, key, closeness > ANY_PORT))
    return Metadata({name: entry for name, (_, entry) in ranked.items()})


def _applies(key: str, port: Port) -> Iterator[tuple[str, int, int]]:
    if not key.startswith(PREFIX) or key == PREFIX:
        return
    name = key.removeprefix(PREFIX).lower()
    match = FOR_PORTS.fullmatch(name)
    if not match:
        yield name, ANY_PORT, 0
        return
    first = int(match["first"])
    last = int(match["last"] or first)
    if first <= port.number <= last and match["protocol"] in (None, port.protocol):
        yield match["key"], PORT_RANGE if match["last"] else ONE_PORT, 1 if match["protocol"] else 0


def split_tags(text: str) -> list[str]:
    r"""Split a list at commas; `\,` is a comma in a tag. Drop empty tags."""
    return [tag.replace("\\,", ",") for tag in re.split(r"(?<!\\),", text) if tag]
