"""A front's status page with a front that the test makes up, served as the front serves it."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from rollcall.components.front import front_config
from rollcall.config import settings
from rollcall.contract.problems import Problem
from rollcall.contract.status_document import Document
from rollcall.front.inputs.catalog import Catalog, Instance
from rollcall.front.inputs.settings import read
from rollcall.front.routing import rotation
from rollcall.front.routing.model import Location, Routing, Server, Site, Upstream
from rollcall.front.status import http_server
from rollcall.front.status.document import Counts, Generation, Sight, document
from rollcall.front.status.history import Series

BEGUN = datetime.now(UTC) - timedelta(hours=2)
END = BEGUN + timedelta(days=300)
SETTINGS = read(
    front_config("shop-fleet", "front1", settings.Front(server_name="www.example.com", services=("nginx-80",)), END)
)
INSTANCES = tuple(
    Instance("nginx-80", f"app{number}:nginx-{number}:80", f"app{number}", f"10.77.0.{20 + number}", 20001)
    for number in range(1, 4)
)


@dataclass
class Front:
    """A front whose sight and history a test may change while its page is looked at."""

    url: str
    sight: Sight
    history: dict[str, Series] = field(default_factory=dict)

    def shows(self, **more: Any) -> None:
        """From now on."""
        self.sight = replace(self.sight, **more)


def sight(instances: tuple[Instance, ...] = INSTANCES) -> Sight:
    upstreams = (Upstream("backends", tuple(Server(each, each.weight) for each in instances), ("nginx-80",)),)
    sites = (
        Site("", (Location("/", "backends", source="default"),)),
        Site(
            "a-rather-long-host-name.of-a-department.example.com", (Location("/api/version/1", "backends", strip=True),)
        ),
    )
    return Sight(
        settings=SETTINGS,
        started=BEGUN,
        counting_since=BEGUN,
        generation=Generation(12, BEGUN, 11, 1, 0.067),
        catalog=Catalog(instances),
        routing=Routing(sites, upstreams),
        consul_template_since=BEGUN,
        rendered=BEGUN,
        listed={rotation.place(instance): BEGUN for instance in instances},
        counts={instance.counted_as: Counts(1_234_567, 89, 98_765.4) for instance in instances},
        connections={"active": 3, "reading": 0, "writing": 1, "waiting": 2},
    )


def problem(text: str) -> Problem:
    return Problem("refused", text, datetime.now(UTC))


@contextmanager
def serving(shown: Sight) -> Iterator[Front]:
    """Serve it on a port of loopback's own, in a thread."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    front = Front("", shown)

    def look() -> Document:
        return document(front.sight, datetime.now(UTC))

    server = asyncio.run_coroutine_threadsafe(
        http_server.serve("127.0.0.1:0", look, lambda: front.history), loop
    ).result(10)
    front.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    try:
        yield front
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
