"""Parse nginx's configuration into the sites that it serves.

It follows nginx's grammar and uses none of the front's code, so that the check does not share its mistakes.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

# The upstream of the front's default site.
BACKENDS = "backends"
# Top-level blocks of the front's template end with a brace at the start of a line.
_BLOCK = re.compile(r"^(?P<kind>upstream|server)\b(?P<name>[^{\n]*)\{(?P<body>.*?)^\}", re.MULTILINE | re.DOTALL)
_SERVER = re.compile(r"^\s*server\s+([^\s;]+)", re.MULTILINE)
_NAMES = re.compile(r"^\s*server_name\s+([^;]+);", re.MULTILINE)
# A maintenance page, and a route that is closed to everybody.
_PAGE = re.compile(r"^\s*return (?:503|403)\b", re.MULTILINE)
_PASS = re.compile(r"^\s*(?:proxy|grpc)_pass\s+\w+://([^/;\s]+)", re.MULTILINE)


@dataclass(frozen=True)
class NginxSites:
    """The sites: `lists` has the address:port pairs of each upstream, `hosts` those behind each host name.

    `closed` are host names with a maintenance page or a closed route on at least one path.
    """

    lists: Mapping[str, frozenset[str]]
    hosts: Mapping[str, frozenset[str]]
    closed: frozenset[str]

    @property
    def backends(self) -> frozenset[str]:
        """Return the address:port pairs that the default site balances over."""
        return self.lists.get(BACKENDS, frozenset())


def parse(configuration: str) -> NginxSites:
    """Parse the upstreams and sites of a front; a host name may have one site for HTTP and one for HTTPS."""
    blocks = [found.groupdict() for found in _BLOCK.finditer(configuration)]
    lists = {
        block["name"].strip(): frozenset(_SERVER.findall(block["body"]))
        for block in blocks
        if block["kind"] == "upstream"
    }
    hosts: dict[str, frozenset[str]] = {}
    closed: set[str] = set()
    for block in blocks:
        reached = frozenset(endpoint for name in _PASS.findall(block["body"]) for endpoint in lists.get(name, ()))
        for host in " ".join(_NAMES.findall(block["body"])).split():
            hosts[host] = hosts.get(host, frozenset()) | reached
            closed.update({host} if _PAGE.search(block["body"]) else ())
    return NginxSites(lists, hosts, frozenset(closed))
