"""What nginx is told to serve, read from its configuration.

Written from nginx's grammar and not with the front's code: what checks it must not share its mistakes.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

# The upstream of the front's default site.
BACKENDS = "backends"
# Blocks at the top level, as the front's template writes them: they end with a brace at the start of a line.
_BLOCK = re.compile(r"^(?P<kind>upstream|server)\b(?P<name>[^{\n]*)\{(?P<body>.*?)^\}", re.MULTILINE | re.DOTALL)
_SERVER = re.compile(r"^\s*server\s+([^\s;]+)", re.MULTILINE)
_NAMES = re.compile(r"^\s*server_name\s+([^;]+);", re.MULTILINE)
_PAGE = re.compile(r"^\s*return 503\b", re.MULTILINE)
_PASS = re.compile(r"^\s*(?:proxy|grpc)_pass\s+\w+://([^/;\s]+)", re.MULTILINE)


@dataclass(frozen=True)
class NginxSites:
    """`lists` has the address:port pairs of each upstream, `hosts` those that each host name leads to.

    `closed` are host names of which a part at least is answered with a maintenance page.
    """

    lists: Mapping[str, frozenset[str]]
    hosts: Mapping[str, frozenset[str]]
    closed: frozenset[str]

    @property
    def backends(self) -> frozenset[str]:
        """The address:port pairs that the default site balances over."""
        return self.lists.get(BACKENDS, frozenset())


def parse(configuration: str) -> NginxSites:
    """Read the upstreams and the sites of a front; a host name may have a site by HTTP and one by HTTPS."""
    blocks = [found.groupdict() for found in _BLOCK.finditer(configuration)]
    lists = {
        block["name"].strip(): frozenset(_SERVER.findall(block["body"]))
        for block in blocks
        if block["kind"] == "upstream"
    }
    hosts: dict[str, frozenset[str]] = {}
    closed: set[str] = set()
    for block in blocks:
        reached = frozenset(one for name in _PASS.findall(block["body"]) for one in lists.get(name, ()))
        for host in " ".join(_NAMES.findall(block["body"])).split():
            hosts[host] = hosts.get(host, frozenset()) | reached
            closed.update({host} if _PAGE.search(block["body"]) else ())
    return NginxSites(lists, hosts, frozenset(closed))
