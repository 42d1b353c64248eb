"""Parse nginx's configuration into the streams that it passes on.

It follows nginx's grammar and uses none of the front's code, so that the check does not share its mistakes.
"""

import re
from collections.abc import Mapping

from rollcall.contract.stream_metadata import Place, Transport

# As nginx serves it: a generation becomes current only after nginx accepted it, and counts only where it is included.
COMMAND = (
    "docker exec front sh -c 'cd /var/lib/rollcall/front/current "
    '&& if grep -q "^ *include streams.conf;" nginx.conf; then cat streams.conf; fi\''
)
# Top-level blocks of the front's template end with a brace at the start of a line.
_BLOCK = re.compile(r"^(?P<kind>upstream|server|map)\b(?P<name>[^{\n]*)\{(?P<body>.*?)^\}", re.MULTILINE | re.DOTALL)
_SERVER = re.compile(r"^\s*server\s+([^\s;]+)", re.MULTILINE)
_LISTEN = re.compile(r"^\s*listen\s+(?:\S+:)?(?P<port>\d+)(?P<options>[^;]*);", re.MULTILINE)
_NAMES = re.compile(r"^\s*server_name\s+([^;]+);", re.MULTILINE)
_PASS = re.compile(r"^\s*proxy_pass\s+([^;\s]+);", re.MULTILINE)
# A map from "is this address denied, is it allowed" to an upstream.
_LETS_IN = re.compile(r'^\s*"01"\s+"([^"]+)";', re.MULTILINE)

Streams = Mapping[Place, frozenset[str]]


def parse(configuration: str) -> Streams:
    """Return the address:port pairs that get the connections of each place; none of a place that closes them."""
    blocks = [found.groupdict() for found in _BLOCK.finditer(configuration)]
    lists = {
        one["name"].strip(): frozenset(_SERVER.findall(one["body"])) for one in blocks if one["kind"] == "upstream"
    }
    for one in blocks:
        if one["kind"] == "map":
            named = _LETS_IN.findall(one["body"])
            lists[one["name"].split()[-1]] = frozenset(server for name in named for server in lists.get(name, ()))
    found: dict[Place, frozenset[str]] = {}
    for one in blocks:
        listen = _LISTEN.search(one["body"])
        if one["kind"] == "server" and listen and "default_server" not in listen["options"]:
            transport: Transport = "udp" if "udp" in listen["options"].split() else "tcp"
            reached = frozenset(server for name in _PASS.findall(one["body"]) for server in lists.get(name, ()))
            for name in " ".join(_NAMES.findall(one["body"])).split() or [""]:
                found[Place(int(listen["port"]), transport, name)] = reached
    return found
