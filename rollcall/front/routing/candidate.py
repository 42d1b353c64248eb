"""What nginx would serve: made of a deploy's files, of the catalog, and of what the catalog has just lost."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from datetime import datetime

from rollcall.front.inputs.catalog import Catalog, Instance
from rollcall.front.inputs.settings import Settings
from rollcall.front.routing.losses import Kept, with_kept
from rollcall.front.routing.routes import Routing, routing
from rollcall.front.routing.sites import render


@dataclass(frozen=True)
class Candidate:
    """What may become a generation: `sites` is the text that nginx reads of it."""

    settings: Settings
    catalog: Catalog
    kept: tuple[Kept, ...]
    routing: Routing
    sites: str

    @property
    def endpoints(self) -> frozenset[str]:
        """Every address:port that nginx passes requests to."""
        return frozenset(server.instance.endpoint for one in self.routing.upstreams for server in one.servers)


def candidate(settings: Settings, template: str, catalog: Catalog, kept: tuple[Kept, ...]) -> Candidate:
    """Make a candidate.

    Raises:
        TemplateError: the template is none, or names what there is not.
    """
    routes = routing(with_kept(catalog, kept), settings)
    return Candidate(settings, catalog, kept, routes, render(template, routes, settings))


def routed(catalog: Catalog) -> tuple[Instance, ...]:
    """The instances of a catalog that requests are passed to."""
    return tuple(one for one in catalog.instances if one.state == "passing" and one.node_alive)


def kept_text(kept: Iterable[Kept]) -> str:
    """Word what is kept, so that a new container knows it."""
    return json.dumps([{"instance": asdict(one.instance), "since": one.since.isoformat()} for one in kept]) + "\n"


def kept_of(text: str) -> tuple[Kept, ...]:
    """Read it back; what cannot be read, as from another version of this program, is nothing."""
    try:
        return tuple(Kept(_instance(one["instance"]), datetime.fromisoformat(one["since"])) for one in json.loads(text))
    except (ValueError, TypeError, KeyError):
        return ()


def _instance(values: dict[str, object]) -> Instance:
    known = {one.name: values[one.name] for one in fields(Instance)}
    known["tags"] = tuple(known["tags"])  # type: ignore[arg-type]
    known["meta"] = tuple(tuple(pair) for pair in known["meta"])  # type: ignore[attr-defined]
    return Instance(**known)  # type: ignore[arg-type]
