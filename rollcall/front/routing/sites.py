"""Render sites.conf and streams.conf, the texts that nginx reads."""

import re
from collections.abc import Collection, Mapping
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

from jinja2 import Environment, StrictUndefined, Template

from rollcall.contract import maintenance_page
from rollcall.contract.policies import nginx, streams
from rollcall.contract.policies.policy import ERROR_PAGES
from rollcall.contract.policies.streams import StreamLines
from rollcall.contract.stream_metadata import Transport
from rollcall.front.inputs.settings import Settings
from rollcall.front.routing.model import Routing, Stream, Upstream
from rollcall.front.routing.policies import policy_lines

# The upstreams' shared memory. Measured with nginx 1.30.6: of thousands of servers each takes 0.83 KiB, 0.87 with IPv6
# addresses, and an upstream 0.2 with a short name. A reload recreates the zone, so it may grow.
ZONE_BASE_KIB = 64
ZONE_PER_UPSTREAM_KIB = 2
ZONE_PER_SERVER_KIB = 1
# So that most changes leave the line of the zone, which each upstream has, as it is.
ZONE_STEP_KIB = 64
COOKIE_LENGTH = 8


def render(
    template: str, routing: Routing, settings: Settings, certificates: Mapping[str, Path] = MappingProxyType({})
) -> str:
    """Render a template, the text of sites.conf.j2; `certificates` are the sites' own, by host name.

    Raises:
        jinja2.TemplateError: the template is invalid.
    """
    policies = policy_lines(routing, settings)
    return _compiled(template).render(routing=routing, front=settings, certificates=certificates, policies=policies)


def render_streams(template: str, routing: Routing, settings: Settings) -> str:
    """Render a template, the text of streams.conf.j2.

    Raises:
        jinja2.TemplateError: the template is invalid.
    """
    ports: dict[tuple[int, Transport], list[tuple[Stream, StreamLines]]] = {}
    for stream in routing.streams:
        place = stream.place
        identity = nginx.identity(place.transport, f"{place.port}{place.name}")
        lines = streams.lines(stream.policies, identity, stream.upstream, by_name=bool(place.name))
        ports.setdefault((place.port, place.transport), []).append((stream, lines))
    upstreams = {upstream.name: upstream for upstream in routing.stream_upstreams}
    return _compiled(template).render(front=settings, ports=ports, upstreams=upstreams)


@lru_cache(maxsize=2)
def _compiled(template: str) -> Template:
    # No HTML escaping: this is nginx's configuration; the filter `sentence` escapes for both.
    environment = Environment(  # noqa: S701
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    environment.filters["sentence"] = maintenance_page.escaped
    environment.filters["expression"] = re.escape
    environment.filters["zone"] = _zone
    environment.filters["cookie"] = _cookie
    environment.globals["error_pages"] = ERROR_PAGES
    return environment.from_string(template)


def _zone(upstreams: Collection[Upstream]) -> str:
    """Return the size of the shared memory of these upstreams."""
    servers = sum(len(upstream.servers) for upstream in upstreams)
    needed = ZONE_BASE_KIB + ZONE_PER_UPSTREAM_KIB * len(upstreams) + ZONE_PER_SERVER_KIB * servers
    return f"{-(-needed // ZONE_STEP_KIB) * ZONE_STEP_KIB}k"


def _cookie(upstream: str) -> str:
    """Return the end of the name of an upstream's cookie: several may serve one host."""
    return nginx.identity(upstream, "")[:COOKIE_LENGTH]
