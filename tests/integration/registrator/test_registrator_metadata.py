"""Whatever metadata holds: what the agent holds is what is meant, and nginx takes what the front makes of it."""

import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import docker
import pytest
from docker.models.containers import Container
from front_catalog import SETTINGS
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from registrator_documents import WEB, settings
from registrator_world import LABELS
from registrator_world import Agent as Consul

from rollcall.config.project import CHECKOUT
from rollcall.front.inputs.catalog import Catalog, Instance
from rollcall.front.routing.candidate import Templates, candidate
from rollcall.registrator.consul.agent import Agent
from rollcall.registrator.consul.reconcile import Register, Registration, registration_of
from rollcall.registrator.services.expected import expected
from rollcall.registrator.settings import AgentAddress

TEMPLATES = Templates(*((CHECKOUT / f"templates/front/{name}.conf.j2").read_text() for name in ("sites", "streams")))
NGINX = """
include /usr/share/nginx/modules-available/mod-stream.con[f];
events {}
http {
    include /test/sites.conf;
}
stream {
    include /test/streams.conf;
}
"""
FRONT = replace(SETTINGS, stream_ports=frozenset({(5432, "tcp"), (8443, "tcp"), (5432, "udp")}))
KINDS = ("HTTP", "HTTPS", "TCP", "GRPC", "TTL", "SCRIPT", "CMD", "INTERVAL", "TIMEOUT", "INITIAL_STATUS")
CHECKS = st.sampled_from([*(f"CHECK_{kind}" for kind in KINDS), "CHECK_HTTP_METHOD", "CHECK_DEREGISTER_AFTER"])
ROUTES = st.sampled_from([f"VIRTUAL_{part}" for part in ("HOST", "PATH", "STRIP", "PROTO", "BUFFERING")] + ["WEIGHT"])
STREAMS = st.sampled_from(
    [f"VIRTUAL_{part}" for part in ("TCP", "UDP", "TLS", "PROXY_PROTOCOL", "ALLOW", "READ_TIMEOUT")]
)
OTHERS = st.sampled_from(["NAME", "TAGS", "NETWORK", "DRAIN", "CONSUL-X", "PASSWORD", "my.app", "X Y"])
WORDS = [
    "a.example",
    "b_.example,c.example",
    "/api",
    "grpc",
    "true",
    "10s",
    "0s",
    "passing",
    "{;}",
    "${x}",
    "web",
    "3",
    "5432",
    "a.example:8443",
    "10.0.0.0/8",
]
VALUES = st.sampled_from([*WORDS, "a.example " * 80]) | st.text(max_size=700)
KEYS = st.tuples(
    st.sampled_from(["", "80_", "443_", "443_udp_"]), CHECKS | ROUTES | STREAMS | OTHERS | st.text(max_size=140)
)
METADATA = st.dictionaries(KEYS.map("".join), VALUES, max_size=12)
ADDRESSES = st.sampled_from(["0.0.0.0", "127.0.0.1", "10.0.0.8", "::", "fd00::8"])
PORTS = st.dictionaries(st.sampled_from(["80/tcp", "443/tcp", "443/udp"]), ADDRESSES, min_size=1)


Made = tuple[dict[str, str], dict[str, str]]


def document(number: int, metadata: dict[str, str], ports: dict[str, str]) -> dict[str, Any]:
    bindings = {port: [{"HostIp": address, "HostPort": str(8000 + number)}] for port, address in ports.items()}
    labels = {f"SERVICE_{key}": value for key, value in metadata.items()}
    return {
        **WEB,
        "Id": f"{number}" * 64,
        "Name": f"/web-{number}",
        "State": {"Running": True, "Status": "running"},
        "Config": {**WEB["Config"], "Labels": labels, "ExposedPorts": {key: {} for key in ports}},
        "NetworkSettings": {**WEB["NetworkSettings"], "Ports": bindings},
    }


@pytest.fixture(scope="module")
def nginx(
    client: docker.DockerClient, image: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Path, Container]]:
    folder = tmp_path_factory.mktemp("nginx")
    (folder / "tls").mkdir()
    files = ["-keyout", str(folder / "tls/front.key"), "-out", str(folder / "tls/front.crt")]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=test", *files]
    subprocess.run(command, check=True, capture_output=True)
    (folder / "nginx.conf").write_text(NGINX)
    volumes = {str(folder): {"bind": "/test", "mode": "ro"}}
    started = client.containers.run(
        image, entrypoint=["sleep", "600"], volumes=volumes, labels=LABELS, user="0", detach=True
    )
    yield folder, started
    started.remove(force=True)


@given(st.lists(st.tuples(METADATA, PORTS), min_size=1, max_size=4), st.booleans())
@hypothesis_settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_the_agent_stores_the_metadata_and_nginx_accepts_the_result(
    shared_agent: Consul,
    nginx: tuple[Path, Container],
    made: list[tuple[dict[str, str], dict[str, str]]],
    internal: bool,
) -> None:
    documents = [document(number, *one) for number, one in enumerate(made, start=1)]
    services = expected(documents, settings(internal=internal, ip="10.0.0.1")).services
    agent = Agent(AgentAddress("consul", "127.0.0.1", shared_agent.port))
    wanted = {one.id: registration_of(one, "app1") for one in services.values()}
    try:
        for service in services.values():
            agent.register(Register(service, wanted[service.id]))
        held = agent.services().registrations
        assert {key: one for key, one in held.items() if key != "consul"} == wanted
    finally:
        shared_agent.clear()
    folder, container = nginx
    catalog = Catalog(tuple(map(instance, wanted.values())))
    wanted = candidate(FRONT, TEMPLATES, catalog, ())
    (folder / "sites.conf").write_text(wanted.sites)
    (folder / "streams.conf").write_text(wanted.streams)
    status, output = container.exec_run(["nginx", "-t", "-c", "/test/nginx.conf"])
    assert status == 0, output.decode()


def instance(held: Registration) -> Instance:
    meta = tuple(sorted(held.meta.items()))
    return Instance(held.name, held.id, "app1", held.address, held.port, held.tags, meta)
