"""Whatever a user's container answers behind a front is no fault of the fleet; what is one, verify finds."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from registrator_documents import WEB
from six_hosts import checked

from rollcall.registrator.services.expected import Expected, expected, settings
from rollcall.verify import front_requests
from rollcall.verify.catalog import Instance
from rollcall.verify.check_error import CheckError
from rollcall.verify.checks import test_front as checks
from rollcall.verify.checks import test_routes as routes
from rollcall.verify.front_requests import Response
from rollcall.verify.nginx_sites import NginxSites

FLEET = checked(front={"server_name": "www.example.com", "services": ["web"]})
FRONT, APP = FLEET.member("front1"), FLEET.member("app1")
VISITOR = "10.0.0.9"
HEADERS = {"host": "www.example.com", "x-real-ip": "10.0.0.9", "x-forwarded-for": VISITOR}
SAMPLE = Response(200, json.dumps({"host": "app1", "container": "webserver-1", "headers": HEADERS}))
OWN, REFUSED = "0.001", "-"


def instance(name: str, service: str = "web", port: int = 80) -> Instance:
    return Instance(f"app1:{name}:{port}", service, "app1", "10.77.0.21", 20000 + len(name), frozenset(), True)


BOTH = (instance("webserver-1"), instance("users-own"))


class Cluster:
    """A front that gives these responses in turn; `connected` is what its log says of each try with an instance."""

    source = "lab.py"
    # Long ago: whatever is wrong is looked at twice, without a wait.
    begun = 0.0
    fronts = (FRONT,)
    members = (APP, FRONT)
    secrets = SimpleNamespace(unfinished=())

    def __init__(self, *responses: Response, instances: tuple[Instance, ...] = BOTH, connected: str = OWN) -> None:
        self._responses, self._connected, self._sent = responses, connected, 0
        self.catalog = SimpleNamespace(instances=lambda: instances, front_keys=dict)
        ours = [{"Name": "/webserver-1", "Config": {"Labels": {"rollcall.managed": "services", "sample": "webserver"}}}]
        self.probes = {"app1": SimpleNamespace(managed=ours), "front1": SimpleNamespace(managed=[])}
        self.hosts: dict[str, frozenset[str]] = {}
        self.documents: list[dict[str, Any]] = []

    def request_front(self, *_: object) -> Response:
        self._sent += 1
        return self._responses[self._sent % len(self._responses)]

    def run(self, _host: str, _command: str) -> str:
        return json.dumps({"upstream_connect_seconds": self._connected}) + "\n"

    def nginx_sites(self, _front: object) -> NginxSites:
        return NginxSites({}, self.hosts, frozenset())

    def expected(self, member: Any) -> Expected:
        rule = settings("app1", APP.address, internal=True, tags="")
        return expected(self.documents if member is APP else [], rule)

    def probe_containers(self) -> None:
        """Nothing changes."""

    def command_line(self, host: str, command: str = "") -> str:
        return f"{host}: {command}"


def reached(cluster: Any) -> str:
    return checks.reach_every_backend(cluster, FRONT, cluster.catalog.instances())


@pytest.mark.parametrize(
    "answer",
    [
        Response(404, "no such page"),
        Response(200, "[]"),
        Response(200, json.dumps({"host": [], "container": {}})),
        Response(503, "closed today"),
        Response(502, "a proxy that is broken"),
        Response(0, ""),
    ],
)
def test_what_a_users_container_answers_is_no_fault(answer: Response) -> None:
    assert "reaches every backend: 1 of 1" in reached(Cluster(SAMPLE, answer))
    alone: Any = Cluster(answer, instances=(instance("users-own"),))
    assert "requests got a response" in reached(alone)
    said: list[str] = []
    checks.test_headers(Cluster(SAMPLE, answer), said.append)  # type: ignore[arg-type]
    assert said[0].startswith("backends get Host: www.example.com")
    checks.test_headers(alone, said.append)
    assert "no sample backend" in said[1]


@pytest.mark.parametrize("status", [502, 504, 0])
def test_an_instance_that_is_not_reached_is_a_fault(status: int) -> None:
    with pytest.raises(CheckError, match="a response from a backend"):
        reached(Cluster(SAMPLE, Response(status, ""), connected=REFUSED))


def test_a_sample_that_never_answers_is_a_fault() -> None:
    with pytest.raises(CheckError, match="nothing from webserver-1 on app1"):
        reached(Cluster(Response(404, "")))


def test_a_default_site_without_an_instance_is_a_fault_unless_all_are_drained() -> None:
    nobody: Any = Cluster(Response(502, ""), instances=())
    with pytest.raises(CheckError, match="none passes, so a request for its default site gets a 502"):
        reached(nobody)
    drained = replace(instance("webserver-1"), service="web", passing=False, maintenance=True)
    nobody.catalog = SimpleNamespace(instances=lambda: (drained,), front_keys=dict)
    assert "responds 502" in checks.reach_every_backend(nobody, FRONT, ())


def test_without_an_instance_the_sites_name_may_be_another_services() -> None:
    with pytest.raises(CheckError, match="502, since the front"):
        reached(Cluster(Response(200, ""), instances=()))
    taken: Any = Cluster(Response(200, ""), instances=())
    taken.hosts = {"www.example.com": frozenset({"10.0.0.1:80"})}
    assert "leads to other services" in reached(taken)


def container(name: str, *env: str) -> dict[str, Any]:
    config = {**WEB["Config"], "ExposedPorts": {"80/tcp": {}}, "Env": [*env]}
    return {**WEB, "Id": name.ljust(64, "0"), "Name": f"/{name}", "Config": config, "State": {"Status": "running"}}


def asking(*wishes: tuple[str, str, str]) -> Cluster:
    """Containers by name, service, and the rest of their metadata."""
    made = Cluster(SAMPLE, instances=tuple(instance(name, service) for name, service, _ in wishes))
    made.documents = [container(name, f"SERVICE_NAME={service}", *more.split()) for name, service, more in wishes]
    return made


SHOP = "SERVICE_VIRTUAL_HOST=shop.example.com"


def routed(cluster: Any) -> tuple[list[str], list[str]]:
    said: list[str] = []
    remarks: list[str] = []
    routes.test_requested_hosts(cluster, said.append, remarks.append)
    return said, remarks


def test_a_host_leads_to_every_container_that_asks_for_it() -> None:
    cluster = asking(("a", "shop", SHOP), ("bb", "shop", SHOP))
    with pytest.raises(CheckError, match="containers at the host names that they set"):
        routed(cluster)
    cluster.hosts = {"shop.example.com": frozenset({"10.77.0.21:20001", "10.77.0.21:20002"})}
    assert routed(cluster) == (["front1 leads to 2 instances at the 1 host names that they set"], [])


@pytest.mark.parametrize(
    "second",
    [
        ("bb", "other", SHOP),
        ("bb", "shop", f"{SHOP} SERVICE_VIRTUAL_PROTO=grpc"),
    ],
)
def test_what_several_want_is_a_remark(second: tuple[str, str, str]) -> None:
    _, (remark,) = routed(asking(("a", "shop", SHOP), second))
    assert "shop.example.com/ is contested; claimed by " in remark


def test_a_route_that_is_badly_said_or_that_group_data_has_is_no_fault() -> None:
    assert routed(asking(("a", "shop", f"{SHOP} SERVICE_VIRTUAL_PATH=nowhere")))[1] == []
    cluster = asking(("a", "shop", "SERVICE_VIRTUAL_HOST=www.example.com"), ("bb", "web", ""))
    assert "www.example.com/ is contested; claimed by shop" in routed(cluster)[1][0]


@contextmanager
def server(speak: Callable[[socket.socket], None]) -> Iterator[tuple[str, int]]:
    """Answer one connection."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def work() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(4096)
                speak(connection)

        threading.Thread(target=work, daemon=True).start()
        yield listening.getsockname()


def test_a_body_that_never_ends_is_read_no_further_than_it_matters() -> None:
    def endless(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        try:
            while True:
                connection.sendall(b"x" * 4096)
        except OSError:
            return

    with server(endless) as endpoint:
        found = front_requests.request(endpoint, FRONT, "/", {})
    assert found.status == 200
    assert len(found.body) < 4 * front_requests.MAX_BODY_BYTES


def test_a_body_that_breaks_off_has_its_status_all_the_same() -> None:
    with server(lambda it: it.sendall(b"HTTP/1.1 404 No\r\nContent-Length: 99\r\n\r\npart")) as endpoint:
        assert front_requests.request(endpoint, FRONT, "/", {}) == Response(404, "part")


def test_who_says_nothing_is_no_answer() -> None:
    with server(lambda _: None) as endpoint:
        assert front_requests.request(endpoint, replace(FRONT), "/", {}) == Response(0, "")
