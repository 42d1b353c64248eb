"""The world of the front's tests: a Consul, sample backends and a front, each with the rights of a deploy."""

import http.client
import json
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import docker
import requests
from docker.models.containers import Container
from own_components import check
from own_consul import OwnConsul
from removal import remove
from sample import WEBSERVER

from rollcall.components import front
from rollcall.components.template_files import render
from rollcall.config.fleet import Fleet, RawHost, nowhere
from rollcall.contract import access_log, acme_files
from rollcall.converge import resources
from rollcall.converge.resources import Mount, Resource
from rollcall.lab import stand_in
from rollcall.secrets.store import Secrets

LABEL = "rollcall.test.front"
LABELS = {LABEL: "1"}
STATE = "rollcall-test-front-state"
ACME_STATE = "rollcall-test-front-acme"
GROUPS = frozenset({"consul_servers", "backends", "fronts"})


def answers(address: str, port: int = 80) -> bool:
    try:
        socket.create_connection((address, port), 1).close()
    except OSError:
        return False
    return True


NAME = "www.mastartup.io"


def fleet(**settings: Any) -> Fleet:
    """A fleet of one host, app1, with everything on it and these settings of the front."""
    data = {"address": "127.0.0.1", "services": [WEBSERVER], "front": {"server_name": NAME, **settings}}
    return check("test", [RawHost("app1", GROUPS, data)], "app1", nowhere)


def run(engine: docker.DockerClient, wanted: resources.Container, name: str, image: str, **more: Any) -> Container:
    """Run a container as a deploy does, under another name."""
    return engine.containers.get(stand_in.run(replace(wanted, name=name, image=image, **more), LABELS))


class Catalog(OwnConsul):
    """The Consul agent whose catalog the front follows."""

    def register(self, name: str, address: str, port: int = 80, *, service: str = "webserver-80", **more: Any) -> None:
        self.api.agent.service.register(
            service, service_id=f"app1:{name}:80", address=address, port=port, tags=["http"], **more
        )

    def deregister(self, name: str) -> None:
        self.api.agent.service.deregister(f"app1:{name}:80")

    def register_on(self, node: str, name: str, address: str, port: int) -> None:
        """Register an instance of another host, which `lose` takes away with all others there in one change."""
        service = {"Service": "webserver-80", "ID": f"{node}:{name}:80", "Address": address, "Port": port}
        more = {"Node": node, "Address": "127.0.0.1", "Service": {**service, "Tags": ["http"]}}
        self.write("/v1/catalog/register", more)

    def lose(self, node: str) -> None:
        self.write("/v1/catalog/deregister", {"Node": node})

    def give_rights(self, secret: Secrets) -> None:
        """Make the front's policy, and its first token, as a deploy does."""
        self.add_policy("front", render("consul/policies/front.hcl.j2"))
        self.add_token("front", secret.tokens.secret("front"))

    def remove_token(self, secret: str) -> None:
        accessor = self.api.acl.token.read_self(token=secret)["AccessorID"]
        self.api.acl.token.delete(accessor)


@dataclass
class Backend:
    """A sample web container; a restart changes its address."""

    container: Container

    @property
    def address(self) -> str:
        self.container.reload()
        networks = self.container.attrs["NetworkSettings"]["Networks"]
        return str(networks["bridge"]["IPAddress"])

    @property
    def name(self) -> str:
        return str(self.container.name)


@dataclass
class Answer:
    status: int
    headers: http.client.HTTPMessage
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


@dataclass
class Front:
    """The front's container as a deploy runs it, and its predecessors."""

    engine: docker.DockerClient
    folder: Path
    volume: str
    settings: dict[str, Any]
    containers: list[Container] = field(default_factory=list)
    resources: tuple[Resource, ...] = ()

    @property
    def container(self) -> Container:
        """Return the one that started last."""
        return self.containers[-1]

    @property
    def log_folder(self) -> Path:
        """Return the folder of the access log's files, which is the host's."""
        return self.folder / access_log.FOLDER.lstrip("/")

    @property
    def http_port(self) -> int:
        return int(self.settings["http_port"])

    @property
    def https_port(self) -> int:
        return int(self.settings["https_port"])

    def configure(self, catalog: Catalog, secret: Secrets, **settings: Any) -> None:
        """Write its files, as a deploy with these settings does."""
        self.settings |= settings
        self.resources = front.resources(
            stand_in.context(fleet(**self.settings), fleet(**self.settings).members[0], secret)
        )
        stand_in.put(self.resources, front.FOLDER, self.folder)
        self.write("consul-template.hcl", render("front/consul-template.hcl.j2", consul_address=catalog.address))
        self.write("front.json", json.dumps(json.loads(self.read("front.json")) | {"consul": catalog.address}))

    def start(self, image: Callable[[str], str], mounts: Sequence[Mount] = (), **more: Any) -> Container:
        """Start it, beside those that were started before."""
        wanted = stand_in.container(self.resources)
        state = Mount(self.volume, "/var/lib/rollcall/front", read_only=False)
        mounts = [Mount(str(self.folder), front.FOLDER), state, *mounts]
        if "acme" in self.settings:
            mounts.append(Mount(ACME_STATE, str(acme_files.FOLDER), read_only=False))
        if self.settings.get("access_log") == "file":
            mounts.append(Mount(str(self.log_folder), access_log.FOLDER, read_only=False))
        name = f"rollcall-test-front-{len(self.containers)}"
        self.containers.append(run(self.engine, wanted, name, image(wanted.image), mounts=tuple(mounts), **more))
        return self.container

    def remove(self) -> None:
        for container in self.containers:
            remove(container)

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)

    def read(self, name: str) -> str:
        return (self.folder / name).read_text()

    def get(
        self, path: str = "/json", *, host: str = "", tls: bool = False, body: bytes | None = None, **headers: str
    ) -> Answer:
        connection = self.connect(tls=tls)
        try:
            more = {name.replace("_", "-"): value for name, value in headers.items()}
            method = "GET" if body is None else "POST"
            connection.request(method, path, body=body, headers=more | ({"Host": host} if host else {}))
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read().decode())
        finally:
            connection.close()

    def connect(self, *, tls: bool = False) -> http.client.HTTPConnection:
        if not tls:
            return http.client.HTTPConnection("127.0.0.1", self.http_port, timeout=5)
        context = ssl._create_unverified_context()
        return http.client.HTTPSConnection("127.0.0.1", self.https_port, timeout=5, context=context)

    @contextmanager
    def handshake(
        self, context: ssl.SSLContext, name: str = NAME, session: ssl.SSLSession | None = None
    ) -> Iterator[ssl.SSLSocket]:
        with (
            socket.create_connection(("127.0.0.1", self.https_port), 5) as connection,
            context.wrap_socket(connection, server_hostname=name, session=session) as secured,
        ):
            yield secured

    def status(self) -> int:
        """Return the status of one request; 0 without a listener."""
        try:
            return self.get("/health").status
        except OSError:
            return 0

    def execute(self, *command: str, user: str = "") -> tuple[int, str, str]:
        code, (out, err) = self.container.exec_run(list(command), user=user, demux=True)
        return code, (out or b"").decode(), (err or b"").decode()

    def shell(self, script: str) -> str:
        """Run a script as nginx; root has no power over the processes and files of others here."""
        return self.execute("bash", "-c", script, user="nginx")[1]

    def document(self) -> Any:
        """Return the status document; {} while the front does not respond."""
        try:
            answer = requests.get(f"http://{self.settings['status']}/status.json", timeout=5)
        except requests.ConnectionError:
            return {}
        answer.raise_for_status()
        return answer.json()

    def rendered(self) -> str:
        """Return what consul-template wrote last; "" before its first rendering."""
        return self.shell("cat /run/rollcall/front/staging/catalog.json")

    def loaded(self) -> str:
        """Return the sites.conf that nginx serves."""
        return self.shell("cat /var/lib/rollcall/front/current/sites.conf")

    def instances(self) -> list[str]:
        """Return ADDRESS:PORT of each server in rotation, in the confirmed generation."""
        services = self.document().get("services", [])
        return sorted(
            {instance["address"] for each in services for instance in each["instances"] if instance["listed_since"]}
        )

    def generation(self) -> int:
        """Return the number of the served generation; 0 while the front does not respond."""
        return int(self.document().get("generation", {"number": 0})["number"])

    def settled(self) -> bool:
        """Whether the newest generation is confirmed: until then, a worker of before may take the next request."""
        newest = self.shell("readlink /var/lib/rollcall/front/current")
        return newest.strip() == f"generation.{self.generation()}"

    def process(self, program: str) -> str:
        """Return the process id of nginx's master or of consul-template; "" without one."""
        if program == "nginx":
            # The newest: one that was replaced finishes its connections, and takes the file of the pid with it.
            return self.shell("grep -l '^nginx: master' /proc/[0-9]*/cmdline | cut -d/ -f3 | sort -n | tail -1").strip()
        return self.shell(f"grep -lx {program} /proc/[0-9]*/comm | head -1 | cut -d/ -f3").strip()

    def failure(self) -> str:
        """Return why the last change is not served; "" if it is."""
        problems = self.document().get("problems", [])
        return "\n".join(
            problem["text"] for problem in problems if problem["kind"] in ("refused", "hindered", "catalog")
        )

    def restarts(self) -> int:
        self.container.reload()
        return int(self.container.attrs["RestartCount"])

    def state(self) -> Mapping[str, Any]:
        self.container.reload()
        return dict(self.container.attrs["State"])

    def log(self) -> str:
        return str(self.container.logs().decode())
