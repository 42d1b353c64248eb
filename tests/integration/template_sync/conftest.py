"""A HAProxy of the user's that follows a real Consul, through the containers that a deploy starts for it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import docker
import pytest
from docker.models.containers import Container
from free_ports import free_port
from haproxy_world import LABELS, Catalog, HAProxy, Instance, Templates
from image_for_tests import made
from own_components import check
from own_consul import running
from removal import remove
from waiting import until

from rollcall.components import template_sync
from rollcall.config.fleet import Fleet, RawHost, nowhere
from rollcall.config.project import CHECKOUT
from rollcall.converge.docker_query import SOCKET
from rollcall.converge.resources import Container as Wanted
from rollcall.converge.resources import File, Mount, Resource
from rollcall.lab import dockerfile, stand_in
from rollcall.lab.stand_in import context
from rollcall.secrets import store
from rollcall.secrets.private_directory import PrivateDirectory
from rollcall.secrets.store import Secrets

HAPROXY = "rollcall-test-haproxy"
VOLUME = "rollcall-test-templates-filter"
PROJECT = CHECKOUT


def documented() -> dict[str, Any]:
    """The settings that docs/own-templates.md gives for HAProxy, as a user would copy them."""
    block = (PROJECT / "docs" / "own-templates.md").read_text().split("```python\n")[1].split("```")[0]
    values: dict[str, Any] = {}
    exec(block, {}, values)
    return values


EXAMPLE = documented()["template_sync"]["templates"][0]
KEYS = documented()["template_sync"]["keys"]


@pytest.fixture(scope="session")
def haproxy_image(engine: docker.DockerClient) -> str:
    return made(engine, Path(__file__).parent / "haproxy")


def fleet(**template: Any) -> Fleet:
    data = {"address": "127.0.0.1", "template_sync": {"templates": [template], "keys": KEYS} if template else {}}
    return check("test", [RawHost("app1", frozenset({"consul_servers"}), data)], "app1", nowhere)


@pytest.fixture(scope="session")
def secret(tmp_path_factory: pytest.TempPathFactory) -> Secrets:
    return store.read(PrivateDirectory(tmp_path_factory.mktemp("secrets") / "test"), fleet())


@pytest.fixture(scope="session")
def consul_agent(engine: docker.DockerClient, secret: Secrets) -> Iterator[Catalog]:
    with running(Catalog, engine, LABELS) as agent:
        agent.give_rights(secret, KEYS)
        yield agent


@pytest.fixture
def catalog(consul_agent: Catalog) -> Iterator[Catalog]:
    yield consul_agent
    consul_agent.clear()


@pytest.fixture
def instances() -> Iterator[list[Instance]]:
    both = [Instance("one"), Instance("two")]
    for one in both:
        one.start()
    yield both
    for one in both:
        one.stop()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The directory on the host that holds the service's configuration."""
    path = tmp_path / "haproxy"
    path.mkdir()
    return path


@pytest.fixture
def haproxy(engine: docker.DockerClient, haproxy_image: str, folder: Path, catalog: Catalog) -> Iterator[HAProxy]:
    """As a user runs it; without a configuration it ends and is started again."""
    port = free_port()
    catalog.set("port", port)
    started = engine.containers.run(
        haproxy_image,
        ["-S", "/tmp/master.sock", "-f", str(folder / "haproxy.cfg")],
        name=HAPROXY,
        detach=True,
        network_mode="host",
        restart_policy={"Name": "always"},
        volumes={str(folder): {"bind": str(folder), "mode": "ro"}},
        labels=LABELS,
    )
    try:
        yield HAProxy(started, port)
    finally:
        remove(started)


Start = Callable[..., Any]


@pytest.fixture
def start_templates(
    engine: docker.DockerClient, tmp_path: Path, folder: Path, catalog: Catalog, secret: Secrets
) -> Start:
    """Start what a deploy starts for the example, with other settings where they are given."""

    def run(stack: ExitStack, wanted: Wanted, **more: Any) -> Container:
        changed = replace(
            wanted, image=dockerfile.local_name(wanted.image), name=f"rollcall-test-{wanted.name}", **more
        )
        started = engine.containers.get(stand_in.run(changed, LABELS))
        stack.callback(started.remove, force=True, v=True)
        return started

    @contextmanager
    def started(text: str | None = None, **settings: Any) -> Iterator[Templates]:
        source = tmp_path / "haproxy.ctmpl"
        source.write_text(text if text is not None else (PROJECT / EXAMPLE["source"]).read_text())
        ours = {"source": str(source), "destination": str(folder / "haproxy.cfg"), "container": HAPROXY}
        template = {**EXAMPLE, **ours, **settings}
        member = fleet(**template).members[0]
        resources = template_sync.resources(
            context(fleet(**template), member, secret, socket_group=Path(SOCKET).stat().st_gid)
        )
        mounted = _put(resources, tmp_path, catalog)
        wanted = {resource.name: resource for resource in resources if isinstance(resource, Wanted)}
        with ExitStack() as stack:
            if "templates-filter" in wanted:
                stack.callback(lambda: engine.volumes.get(VOLUME).remove())
            running = {
                name: run(stack, wanted[name], mounts=tuple(mounted.get(m.source, m) for m in _as_asked(wanted[name])))
                for name in ("templates-filter", "templates")
                if name in wanted
            }
            yield Templates(running["templates"], folder)

    return started


def _as_asked(wanted: Wanted) -> tuple[Mount, ...]:
    return tuple(replace(m, source=VOLUME) if m.source == template_sync.VOLUME else m for m in wanted.mounts)


def _put(resources: tuple[Resource, ...], tmp_path: Path, catalog: Catalog) -> dict[str, Mount]:
    """Put the files in folders of the test's own, and say by which mounts they come into the containers."""
    mounts = {}
    for source in (template_sync.FOLDER, template_sync.FILTER_FOLDER):
        folder = tmp_path / Path(source).name
        folder.mkdir()
        stand_in.put(
            [one for one in resources if isinstance(one, File) and Path(one.path).parent == Path(source)],
            source,
            folder,
        )
        mounts[source] = Mount(str(folder), source)
    (tmp_path / "templates" / "consul-template.hcl").write_text(template_sync.consul_template(catalog.address))
    return mounts


@pytest.fixture
def templates(start_templates: Start, haproxy: HAProxy) -> Iterator[Templates]:
    with start_templates() as running:
        yield running


@pytest.fixture
def served(templates: Templates, haproxy: HAProxy, catalog: Catalog, instances: list[Instance]) -> Templates:
    """HAProxy with the first instance behind it."""
    catalog.register(instances[0])
    until(lambda: haproxy.answer() == "one", "an answer of the first instance through HAProxy", 30)
    until(lambda: templates.status()["state"] == "served", "the rendering in its place")
    return templates
