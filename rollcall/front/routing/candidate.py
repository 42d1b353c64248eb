"""The next configuration of nginx, from a deploy's files, the catalog and the retained instances."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from pathlib import Path
from types import MappingProxyType

from rollcall.front.inputs.catalog import Catalog, Instance
from rollcall.front.inputs.settings import Listen, Settings
from rollcall.front.routing.losses import Retained, with_retained
from rollcall.front.routing.model import Routing
from rollcall.front.routing.routes import routing
from rollcall.front.routing.sites import render, render_streams
from rollcall.front.routing.streams import Refused

Choose = Callable[[Settings, Iterable[str]], Mapping[str, Path]]


def _none(_settings: Settings, _hosts: Iterable[str]) -> Mapping[str, Path]:
    return {}


@dataclass(frozen=True)
class Templates:
    """The texts of sites.conf.j2 and streams.conf.j2."""

    sites: str
    streams: str


@dataclass(frozen=True)
class Candidate:
    """A possible generation.

    `sites` and `streams` are the texts of its files, `certificates` the sites' own by host name.
    """

    settings: Settings
    catalog: Catalog
    retained: tuple[Retained, ...]
    routing: Routing
    sites: str
    streams: str
    certificates: Mapping[str, Path]

    @property
    def listens(self) -> frozenset[Listen]:
        """Return where nginx listens: for HTTP, and for each stream."""
        address = self.settings.address
        places = (stream.place for stream in self.routing.streams)
        return frozenset((*self.settings.listens, *(Listen(address, one.port, one.transport) for one in places)))


def candidate(
    settings: Settings,
    templates: Templates,
    catalog: Catalog,
    retained: tuple[Retained, ...],
    choose: Choose = _none,
    *,
    refused: Refused = MappingProxyType({}),
) -> Candidate:
    """Make a candidate; `choose` returns the certificates of its sites, `refused` are ports that it cannot have.

    Raises:
        TemplateError: the template is invalid, or uses an unknown name.
    """
    routes = routing(with_retained(catalog, retained), settings, refused)
    certificates = choose(settings, routes.hosts)
    sites = render(templates.sites, routes, settings, certificates)
    streams = render_streams(templates.streams, routes, settings)
    return Candidate(settings, catalog, retained, routes, sites, streams, certificates)


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
