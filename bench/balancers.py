"""Run Rollcall's front and the balancers that it is compared with, each on loopback.

All follow the same Consul to the same instances, run in a container on the host's network, and log each request to
standard output, as the front does. The front's log line is JSON of about 450 bytes, nginx's own has about 80; the front
buffers lines, the others do not, except the static nginx configured like the front. One front writes the same lines to
a file instead. Otherwise each has the settings
that its own manual starts with, and Traefik has `watch`: without it Traefik polls Consul every 15 seconds.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import consul
import docker
import requests
import traefik_build
from front_on_loopback import APART, PORT, front
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from loopback import HTTP, container, remove_containers, until

from rollcall.images.docker import docker as docker_command
from rollcall.lab import catalogue, dockerfile, engine, images
from rollcall.lab.progress import part

SERVICE = "bench"
LABEL = "balancers"
FOLDER = Path(__file__).parent / "balancers"
# The path in a balancer's container.
TARGET = "/etc/bench"
IMAGE = dockerfile.local_name("bench/balancers:1")
CONSUL = f"127.0.0.1:{HTTP}"


@dataclass(frozen=True)
class Place:
    """This machine's engine, a folder for files, and the ports of the instances on loopback."""

    engine: docker.DockerClient
    folder: Path
    instances: tuple[int, ...]


@dataclass(frozen=True)
class Balancer:
    """A balancer; `start` runs it on its port until the block ends."""

    name: str
    port: int
    start: Callable[[Place, int], AbstractContextManager[object]]

    @contextmanager
    def running(self, place: Place) -> Iterator[None]:
        """Run the balancer; it responds when the block starts."""
        with self.start(place, self.port):
            until(lambda: responds(self.port), f"a response of {self.name}")
            yield


def responds(port: int) -> bool:
    """Return whether a request to this port on loopback gets a 200."""
    try:
        return requests.get(f"http://127.0.0.1:{port}/", timeout=5).status_code == 200
    except requests.RequestException:
        return False


def image(name: str) -> str:
    """Return the local name of the lab's image whose public name starts with `name`."""
    return next(image.local for image in catalogue.IMAGES if image.name.startswith(name))


def rendered(template: str, **values: object) -> str:
    # No HTML escaping: the output is nginx's configuration.
    environment = Environment(loader=FileSystemLoader(FOLDER), undefined=StrictUndefined, trim_blocks=True)
    return environment.get_template(template).render(**values)


def prepared(label: str = LABEL) -> docker.DockerClient:
    """Have an engine with the lab's images and ours, and nothing of an interrupted run; return its client."""
    engine.ensure()
    images.ensure()
    _build_image()
    client = docker.from_env()
    remove_containers(client, label)
    return client


def _build_image() -> None:
    """Build the image with Debian's nginx and HAProxy."""
    text = dockerfile.localised((FOLDER / "Dockerfile").read_text(), catalogue.NAMES)
    with part("Image with Debian's nginx and HAProxy"):
        build = ["build", "--quiet", "--network=host", f"--label=rollcall.bench={LABEL}", f"--tag={IMAGE}", "-"]
        docker_command(*build, doing="build an image with Debian's nginx and HAProxy", stdin=text.encode())


@contextmanager
def instances(place: Place) -> Iterator[None]:
    """Run all instances, registered in Consul or not."""
    configuration = place.folder / "instances.conf"
    configuration.write_text(rendered("instances.conf.j2", instances=place.instances))
    command = ["nginx", "-c", f"{TARGET}/nginx.conf", "-g", "daemon off;"]
    with container(place.engine, image("nginx:"), command, {configuration: f"{TARGET}/nginx.conf"}, LABEL):
        yield


def register(instance: int) -> None:
    consul.Consul(port=HTTP).agent.service.register(
        SERVICE,
        service_id=f"{SERVICE}-{instance}",
        address="127.0.0.1",
        port=instance,
        tags=["traefik.enable=true"],
        # Traefik's watch follows service names and checks: it never detects an instance without a check.
        check={"TTL": "24h", "Status": "passing"},
    )


def deregister(instance: int) -> None:
    consul.Consul(port=HTTP).agent.service.deregister(f"{SERVICE}-{instance}")


def _front(number: int, access_log: str) -> Callable[[Place, int], AbstractContextManager[object]]:
    def start(place: Place, _: int) -> AbstractContextManager[object]:
        own = image("rollcall/front:")
        return front(place.engine, own, place.folder, LABEL, SERVICE, number=number, access_log=access_log)

    return start


def _script(name: str, image_name: str, *more: str) -> Callable[[Place, int], AbstractContextManager[object]]:
    def start(place: Place, port: int) -> AbstractContextManager[object]:
        command = ["bash", f"{TARGET}/{name}", str(port), CONSUL, *more]
        return container(place.engine, image_name, command, {FOLDER: TARGET}, LABEL)

    return start


def _static(*, buffered: bool) -> Callable[[Place, int], AbstractContextManager[object]]:
    def start(place: Place, port: int) -> AbstractContextManager[object]:
        written = place.folder / f"static-{port}.conf"
        written.write_text(rendered("static.conf.j2", instances=place.instances, port=port, buffered=buffered))
        command = ["nginx", "-c", f"{TARGET}/nginx.conf", "-g", "daemon off;"]
        mounts = {FOLDER: TARGET, written: "/etc/nginx/conf.d/default.conf"}
        return container(place.engine, image("nginx:"), command, mounts, LABEL)

    return start


def _traefik(place: Place, port: int) -> AbstractContextManager[object]:
    program = "/usr/local/bin/traefik"
    provider = "--providers.consulcatalog"
    command = [
        program,
        f"--entrypoints.web.address=127.0.0.1:{port}",
        f"{provider}.endpoint.address={CONSUL}",
        f"{provider}.watch=true",
        # Consul's own service would be exposed, too.
        f"{provider}.exposedbydefault=false",
        f"{provider}.defaultrule=PathPrefix(`/`)",
        "--accesslog=true",
        "--global.checknewversion=false",
        "--global.sendanonymoususage=false",
    ]
    return container(place.engine, image("debian:trixie"), command, {traefik_build.build(): program}, LABEL)


FRONT = Balancer("Rollcall's front", PORT, _front(0, "json"))
SHORT = Balancer("Rollcall's front, access_log short", PORT + APART, _front(1, "short"))
FILE = Balancer("Rollcall's front, access_log file", PORT + 2 * APART, _front(2, "file"))
ARTICLE = Balancer("the article's template, nginx 1.26 of Debian 13", 28518, _script("article.sh", IMAGE))
BY_HAND = Balancer("static nginx 1.30, written by hand", 28514, _static(buffered=False))
BUFFERED = Balancer("static nginx 1.30, its log buffered as the front's", 28519, _static(buffered=True))
ALL = (
    FRONT,
    SHORT,
    FILE,
    ARTICLE,
    Balancer("the article's template, nginx 1.30", 28513, _script("article.sh", image("rollcall/front:"))),
    BY_HAND,
    BUFFERED,
    Balancer("HAProxy 3.0, consul-template", 28515, _script("haproxy.sh", IMAGE)),
    Balancer("the same, idle-close-on-response", 28516, _script("haproxy.sh", IMAGE, "yes")),
    Balancer(f"Traefik {traefik_build.VERSION}, Consul Catalog", 28517, _traefik),
)
FOLLOWING = tuple(balancer for balancer in ALL if balancer not in (SHORT, FILE, BY_HAND, BUFFERED))
