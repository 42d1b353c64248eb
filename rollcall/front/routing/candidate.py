"""The next configuration of nginx, from a deploy's files, the catalog and the retained instances."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from datetime import datetime

from rollcall.front.inputs.catalog import Catalog, Instance
from rollcall.front.inputs.settings import Settings
from rollcall.front.routing.losses import Retained, with_retained
from rollcall.front.routing.model import Routing
from rollcall.front.routing.routes import routing
from rollcall.front.routing.sites import render


@dataclass(frozen=True)
class Candidate:
    """A possible generation; `sites` is the text of its sites.conf."""

    settings: Settings
    catalog: Catalog
    retained: tuple[Retained, ...]
    routing: Routing
    sites: str

    @property
    def endpoints(self) -> frozenset[str]:
        """Return every address:port that nginx passes requests to."""
        return frozenset(server.instance.endpoint for upstream in self.routing.upstreams for server in upstream.servers)


def candidate(settings: Settings, template: str, catalog: Catalog, retained: tuple[Retained, ...]) -> Candidate:
    """Make a candidate.

    Raises:
        TemplateError: the template is invalid, or uses an unknown name.
    """
    routes = routing(with_retained(catalog, retained), settings)
    return Candidate(settings, catalog, retained, routes, render(template, routes, settings))


def routed(catalog: Catalog) -> tuple[Instance, ...]:
    """Return the instances of a catalog that may get requests."""
    return tuple(
        instance
        for instance in catalog.instances
        if instance.state == "passing" and instance.node_alive and not instance.udp
    )


def retained_text(retained: Iterable[Retained]) -> str:
    """Write the retained instances as JSON, for a new container."""
    return (
        json.dumps([{"instance": asdict(lost.instance), "since": lost.since.isoformat()} for lost in retained]) + "\n"
    )


def read_retained(text: str) -> tuple[Retained, ...]:
    """Read retained instances back; an unreadable text, such as another version's, counts as none."""
    try:
        return tuple(
            Retained(_instance(entry["instance"]), datetime.fromisoformat(entry["since"])) for entry in json.loads(text)
        )
    except (ValueError, TypeError, KeyError):
        return ()


def _instance(values: dict[str, object]) -> Instance:
    known = {field.name: values[field.name] for field in fields(Instance)}
    known["tags"] = tuple(known["tags"])  # type: ignore[arg-type]
    known["meta"] = tuple(tuple(pair) for pair in known["meta"])  # type: ignore[attr-defined]
    return Instance(**known)  # type: ignore[arg-type]
