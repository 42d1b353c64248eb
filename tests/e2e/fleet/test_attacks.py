"""Attacks from a machine beside the hosts and a container on one, without a secret: refused, the fleet unmoved."""

import http.client
from collections.abc import Iterator
from typing import Any

import pytest
from asking import Ask
from deployed import Fleet, wait_for
from fleet_snapshot import at_rest, fleet_snapshot
from forbidden import INSIDE, NO_MESH, OWN_SERVICES, READS, WRITES, allowed, nothing, shown
from server_rpc import CALL, RAFT, RAFT_FORWARDING, TLS, TLS_INSECURE, Reply, call, client, speak
from stranger import Stranger, agent, guest, neighbour

from rollcall.secrets import certificates
from rollcall.secrets.certificates import Certificate
from rollcall.secrets.store import Secrets

SERVER, HOST = "10.77.0.11", "10.77.0.21"
HTTPS = 8501
BRIDGE = "172.17.0.1"
ANSWERED = b"10.77.0.1"  # where the leader is
LEADER = call("Status.Leader")
NODES = call("Catalog.ListNodes", Datacenter="dc1")


def described(fleet: Fleet) -> bool:
    nodes = fleet.consul("/v1/catalog/nodes")
    return bool(nodes) and all(node["TaggedAddresses"] for node in nodes)


@pytest.fixture(scope="module")
def before(fleet: Fleet, secrets: Secrets) -> Iterator[dict[str, Any]]:
    """How the fleet stood before the first attack; after the last one it has the same containers and keys."""
    # A node is in the catalog at once, but its agent adds what it knows of it within the first minutes.
    wait_for("nodes as their agents describe them", lambda: described(fleet), 240)
    before = at_rest(fleet)
    yield fleet_snapshot(fleet, secrets)
    assert at_rest(fleet) == before


@pytest.fixture(autouse=True)
def unmoved(fleet: Fleet, secrets: Secrets, before: dict[str, Any]) -> Iterator[None]:
    """The fleet stands as it stood, whatever was tried."""
    yield
    assert fleet_snapshot(fleet, secrets) == before


@pytest.fixture(scope="module")
def foreign() -> Certificate:
    """A certificate as the fleet's servers have, by an authority with the same name and another key."""
    names = ["server.dc1.consul", "consul1.node.consul", "localhost", "127.0.0.1", SERVER]
    return certificates.issue(certificates.authority("Rollcall"), "agent-consul1", names, "agent")


@pytest.mark.parametrize(
    ("flags", "refusal"),
    [
        ((), "Remote state is encrypted and encryption is not configured"),
        (("-encrypt=pUqJrVyVRj5jsiYEkM/tFQYfWyJIv4s3XkvDwy7Cu5s=",), "No installed keys could decrypt the message"),
    ],
    ids=["without a key", "with another key"],
)
@pytest.mark.parametrize(
    "role", [("-node=evil",), ("-node=consul1", "-server", "-bootstrap-expect=3")], ids=["client", "server"]
)
def test_a_stranger_cannot_join_by_gossip(flags: tuple[str, ...], refusal: str, role: tuple[str, ...]) -> None:
    with neighbour(*agent(*flags, *role)) as stranger:
        wait_for("agent of the stranger", lambda: "10.77.0.99" in stranger.run("consul members", ""), 10)
        said = stranger.run(f"consul join {SERVER} {HOST}", "")
        assert said.count(refusal) == 2, said
        assert len(stranger.run("consul members", "").splitlines()) == 2, "a heading and the stranger"


def test_servers_sign_no_certificate_for_agents() -> None:
    asks = agent("-node=evil", f"-retry-join={SERVER}", auto_encrypt={"tls": True})
    with neighbour(*asks) as stranger:
        refusal = NO_MESH
        wait_for("refusal", lambda: refusal in stranger.log(), 10)


def test_servers_talk_to_agents_only(foreign: Certificate, secrets: Secrets) -> None:
    """The fleet's authority has signed the sites' certificates too, whose keys are with every front and backend."""
    for tls in (
        None,
        client(),
        client(foreign),
        client(secrets.services.certificates["webserver"]),
        client(secrets.fronts["front1"]),
    ):
        for say in (CALL + LEADER, RAFT, RAFT_FORWARDING):
            reply = speak(SERVER, before=TLS if tls else b"", tls=tls, say=say)
            assert reply == Reply(b"", ended=True), f"{say!r} to {tls}"


@pytest.mark.parametrize("case", ["no certificate", "foreign certificate"])
def test_tls_without_a_first_byte_does_not_bypass(case: str, foreign: Certificate, secrets: Secrets) -> None:
    tls = client(foreign if case == "foreign certificate" else None, "consul/rpc-single")
    assert speak(SERVER, tls=tls, say=LEADER) == Reply(b"", ended=True)
    ours = client(secrets.agents["app1"], "consul/rpc-single")
    assert ANSWERED in speak(SERVER, tls=ours, say=LEADER).text


def test_the_port_for_agents_without_a_certificate_reveals_nothing() -> None:
    def insecure(method: str) -> bytes:
        return speak(SERVER, before=TLS_INSECURE, tls=client(), say=call(method)).text

    assert b"can't find service Status.Leader" in insecure("Status.Leader")
    assert NO_MESH.encode() in insecure("AutoEncrypt.Sign")


def test_a_certificate_alone_reads_nothing_and_makes_no_server(secrets: Secrets) -> None:
    client_agent, server_agent = client(secrets.agents["app1"]), client(secrets.agents["consul2"])
    assert ANSWERED in speak(SERVER, before=TLS, tls=client_agent, say=CALL + LEADER).text
    listed = speak(SERVER, before=TLS, tls=client_agent, say=CALL + NODES).text
    assert b"Nodes\x90" in listed, "an empty list"
    for raft in (RAFT, RAFT_FORWARDING):
        assert speak(SERVER, before=TLS, tls=client_agent, say=raft) == Reply(b"", ended=True)
        assert not speak(SERVER, before=TLS, tls=server_agent, say=raft).ended, "a server may"


def https(address: str, certificate: Certificate | None) -> int:
    """Ask an agent over HTTPS; give the status, 0 where it does not answer."""
    connection = http.client.HTTPSConnection(address, HTTPS, context=client(certificate), timeout=5)
    try:
        connection.request("GET", "/v1/status/leader")
        return connection.getresponse().status
    except OSError:
        return 0
    finally:
        connection.close()


def test_https_answers_agents_and_the_operator_only(fleet: Fleet, secrets: Secrets, foreign: Certificate) -> None:
    for host in fleet.hosts.values():
        address = str(host.data["address"])
        others = (None, foreign, secrets.services.certificates["webserver"], secrets.fronts["front1"])
        assert [https(address, other) for other in others] == [0, 0, 0, 0], host.name
        assert https(address, secrets.operator) == 200, host.name


def refused_to(stranger: Stranger, base: str) -> None:
    """See that somebody with no token reads nothing and changes nothing at an agent's HTTP."""
    reads = [Ask("GET", path) for path in READS]
    assert shown(reads, stranger.ask(reads, base)) == []
    inside = [Ask("GET", path) for path in INSIDE]
    assert allowed(inside, stranger.ask(inside, base)) == []
    writes = [*WRITES, *OWN_SERVICES]
    assert allowed(writes, stranger.ask(writes, base)) == []


@pytest.mark.parametrize("host", ["app1", "consul1"])
def test_a_container_reaches_its_agent_and_may_do_nothing(fleet: Fleet, host: str) -> None:
    with guest(fleet, host) as stranger:
        refused_to(stranger, f"http://{BRIDGE}:8500")


def test_a_neighbour_that_routes_through_a_host_is_refused(fleet: Fleet) -> None:
    """The host's kernel takes what comes by its card for its bridge's address too."""
    with neighbour() as stranger:
        [refused] = stranger.ask([Ask("GET", "/v1/status/leader")], f"http://{HOST}:8500")
        assert refused.status == 0
        stranger.run(f"ip route add {BRIDGE} via {HOST}", "")
        refused_to(stranger, f"http://{BRIDGE}:8500")
        for port in (53, 8600):
            assert answer_of_dns(stranger, BRIDGE, port) == 0
    with guest(fleet, "app1") as container:
        assert answer_of_dns(container, BRIDGE, 53) > 0


def answer_of_dns(stranger: Stranger, address: str, port: int) -> int:
    """Ask for consul.service.consul; give the bytes of the answer, none within two seconds is 0."""
    labels = "".join(f"\\x{len(label):02x}{label}" for label in ("consul", "service", "consul"))
    question = f"\\x12\\x34\\x01\\x00\\x00\\x01\\x00\\x00\\x00\\x00\\x00\\x00{labels}\\x00\\x00\\x01\\x00\\x01"
    # A refusal is 0 bytes too, and head's word of it none of the answer.
    read = "timeout 2 head --bytes=12 <&3 2>/dev/null | wc --bytes"
    ask = f"exec 3<>/dev/udp/{address}/{port}; printf '{question}' >&3; {read}"
    return int(stranger.run(f'bash -c "{ask}"', "").split()[-1])


def test_names_of_the_catalog_are_for_a_host_and_its_containers(fleet: Fleet) -> None:
    network = "docker network inspect services --format '{{range .IPAM.Config}}{{.Gateway}}{{end}}'"
    ask = "getent ahostsv4 nginx-80.service.consul"
    with guest(fleet, "app1") as stranger:
        assert HOST in stranger.run(ask, "")
    with neighbour() as stranger:
        for bridge in (BRIDGE, fleet.on("app1", network)):
            stranger.run(f"ip route add {bridge} via {HOST}", "")
            resolver = f"printf 'nameserver {bridge}\noptions timeout:1 attempts:1\n' >/etc/resolv.conf"
            assert stranger.run(f"{resolver}; {ask}; getent ahostsv4 app2.node.consul", "") == ""
            # 7: nobody listens there.
            over_tcp = f"curl --silent --max-time 2 telnet://{bridge}:8600 </dev/null; echo $?"
            assert stranger.run(over_tcp, "").strip() == "7"


def test_the_requested_paths_exist(fleet: Fleet, secrets: Secrets) -> None:
    """An empty answer says something only where others get a full one."""
    asks = [Ask("GET", path) for path in READS if not path.startswith(("/v1/kv", "/v1/session", "/v1/event"))]
    found = fleet.ask("app1", asks, secrets.tokens.secret("operator"))
    assert [str(ask) for ask, one in zip(asks, found, strict=True) if one.status != 200 or nothing(one.body)] == []


def test_a_container_reaches_nothing_else_on_its_host(fleet: Fleet) -> None:
    with guest(fleet, "app1") as stranger:
        for address in (BRIDGE, HOST):
            for port in (2375, 2376, 8300, 8510, HTTPS):
                said = stranger.run(f"curl --silent --max-time 2 http://{address}:{port}/; echo $?", "").split()[-1]
                # 7: refused; 52 and 56: HTTPS has nothing to say to a plain request.
                assert said == "7" or (port == HTTPS and address == HOST), f"{address}:{port}: {said}"
        assert stranger.run("ls /var/run/docker.sock /run/docker.sock /etc/rollcall 2>/dev/null", "") == ""


def test_the_ui_is_a_page_without_content(fleet: Fleet) -> None:
    with guest(fleet, "consul1") as stranger:
        [page] = stranger.ask([Ask("GET", "/ui/")], f"http://{BRIDGE}:8500")
        assert page.status == 200
        assert [name for name in (*fleet.hosts, "10.77.0.", "nginx-80") if name in page.body] == []
