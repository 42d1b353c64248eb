"""From what nginx shall do to the text that says so: sites.conf."""

import re
from functools import lru_cache

from jinja2 import Environment, StrictUndefined, Template

from rollcall.contract import maintenance_page
from rollcall.front.inputs.settings import Settings
from rollcall.front.routing.routes import Routing, Upstream

# KiB of an upstream's shared memory. Measured with nginx 1.30.6: ten servers have room in 32; of thousands each takes
# 0.83, or 0.87 with IPv6 addresses. A reload makes each zone anew, so that it may grow.
ZONE_AT_LEAST = 64
ZONE_FOR_EACH = 1


def render(template: str, routing: Routing, settings: Settings) -> str:
    """Fill in sites.conf.j2, whose text is given.

    Raises:
        jinja2.TemplateError: the template was changed, and is none any more.
    """
    return _compiled(template).render(routing=routing, front=settings)


@lru_cache(maxsize=1)
def _compiled(template: str) -> Template:
    # No HTML escaping: this is nginx's configuration, and what goes into a page is escaped for both.
    environment = Environment(  # noqa: S701
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    environment.filters["sentence"] = maintenance_page.escaped
    environment.filters["expression"] = re.escape
    environment.filters["zone"] = _zone
    return environment.from_string(template)


def _zone(upstream: Upstream) -> str:
    """Return the size of an upstream's shared memory."""
    return f"{ZONE_AT_LEAST + ZONE_FOR_EACH * len(upstream.servers)}k"
