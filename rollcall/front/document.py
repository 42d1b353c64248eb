"""What the shell of the front tells the status document of itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from rollcall.front.catalog import Catalog
from rollcall.front.routes import Routing
from rollcall.front.settings import Settings


@dataclass(frozen=True)
class Problem:
    """Something that is not as it should be, since when."""

    kind: str
    text: str
    since: datetime


@dataclass(frozen=True)
class Generation:
    """The configuration that nginx serves. `old` counts earlier ones whose workers still end their connections."""

    number: int
    since: datetime
    reloads: int = 0
    old: int = 0
    last_reload_seconds: float | None = None


@dataclass(frozen=True)
class Counts:
    """Tries with one server since counting began: all, those without an answer or with a 5xx, and their seconds."""

    requests: int = 0
    errors: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class Sight:
    """Everything the front knows at one moment; the status document is a function of it.

    `kept` are identities of instances that vanished and are still served; `listed` tells since when a server
    (address:port) has been in nginx's list without a break; `connections` is nginx's stub_status.
    """

    settings: Settings
    started: datetime
    counting_since: datetime
    generation: Generation
    catalog: Catalog
    routing: Routing
    consul_template_since: datetime | None = None
    rendered: datetime | None = None
    kept: frozenset[str] = frozenset()
    listed: Mapping[str, datetime] = field(default_factory=dict)
    counts: Mapping[str, Counts] = field(default_factory=dict)
    connections: Mapping[str, int] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
