"""TCP and UDP through a front: who gets a connection, what a change breaks, and which ports are open."""

import socket
import ssl
from collections.abc import Iterator
from typing import Any

import pytest
from free_ports import free_port
from front_world import Catalog, Front
from stream_world import Echo, Visitor, asked, datagrams, echo, greeting
from waiting import until


def register(catalog: Catalog, name: str, port: int, service: str = "db-5432", **meta: str) -> None:
    catalog.register(name, "127.0.0.1", port, service=service, meta=meta)


def problems(front: Front, kind: str = "stream") -> list[str]:
    return [one["text"] for one in front.document().get("problems", []) if one["kind"] == kind]


def weight(front: Front) -> int:
    instances = [one for service in front.document()["services"] for one in service["instances"]]
    return next((one["weight"] for one in instances if one["id"] == "app1:db-2:80" and one["listed_since"]), 0)


def opened(port: int) -> Visitor:
    """A connection; in a moment after the first one, a worker of before still takes some, and closes them."""

    def attempt() -> Visitor | None:
        visitor = Visitor(port)
        return visitor if visitor.greeting else visitor.close()

    return until(attempt, "a connection")


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def one() -> Iterator[Echo]:
    with echo("one") as running:
        yield running


@pytest.fixture
def two() -> Iterator[Echo]:
    with echo("two") as running:
        yield running


def test_a_declared_stream_leads_to_its_service_and_closes_without_one(start_front, catalog, one, port, until) -> None:
    with start_front(streams=[{"port": port, "service": "db-5432"}]) as front:
        assert greeting(port) == ""
        (unserved,) = until(lambda: [text for text in problems(front, "unserved") if "port" in text], "the problem")
        assert unserved == f"port {port}/tcp: every connection is closed; db-5432 has no instance"
        register(catalog, "db", one.port)
        until(lambda: greeting(port) == "one", "the instance")
        # nginx serves a generation a moment before the document is its own.
        until(lambda: not [text for text in problems(front, "unserved") if "port" in text], "the end of the problem")
        (stream,) = front.document()["streams"]
        assert (stream["port"], stream["services"], stream["source"]) == (port, ["db-5432"], "declared")


def test_metadata_opens_a_listed_port_and_its_end_closes_it(start_front, catalog, one, port, until) -> None:
    with start_front(stream_ports=[port], keep_lost=0) as front:
        assert greeting(port) == "refused"
        register(catalog, "db", one.port, virtual_tcp=str(port))
        until(lambda: greeting(port) == "one", "the stream")
        visitor = opened(port)
        catalog.deregister("db")
        until(lambda: greeting(port) == "refused", "a closed port")
        assert visitor.lives(), "an established connection outlives its port"
        register(catalog, "db", one.port, virtual_tcp=str(port))
        until(lambda: greeting(port) == "one", "the stream again")
        assert visitor.lives()
        assert front.restarts() == 0
        visitor.close()


def test_a_container_gets_no_port_that_is_not_listed(start_front, catalog, one, port, until) -> None:
    with start_front(stream_ports=[port]) as front:
        status = int(front.settings["status"].rpartition(":")[2])
        forbidden = (22, 443, 8500, front.http_port, status)
        for number in forbidden:
            register(catalog, f"evil-{number}", one.port, f"evil-{number}", virtual_tcp=str(number))
        register(catalog, "evil", one.port, "evil", virtual_tcp=f"{port}; listen 22")
        register(catalog, "db", one.port, virtual_tcp=str(port))
        until(lambda: greeting(port) == "one", "the allowed stream")
        until(lambda: len(problems(front)) == len(forbidden) + 1, "a problem for each")
        assert all(
            any(f"port {number}/tcp: front.stream_ports does not" in text for text in problems(front))
            for number in forbidden
        )
        assert [one["port"] for one in front.document()["streams"]] == [port]
        assert front.document()["problems"] and front.status() != 0


def test_a_port_that_another_program_has_costs_its_stream_alone(start_front, catalog, one, two, until) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken, free = other.getsockname()[1], free_port()
        with start_front(stream_ports=[taken, free]) as front:
            register(catalog, "db", one.port, virtual_tcp=str(taken))
            register(catalog, "cache", two.port, "cache-6379", virtual_tcp=str(free))
            until(lambda: greeting(free) == "two", "the other stream")
            (text,) = until(lambda: problems(front, "port"), "the problem")
            assert f"port {taken} at 127.0.0.1 is taken by another program" in text
            assert front.failure() == ""
            other.close()
            until(lambda: greeting(taken) == "one", "the port once it is free", 20)
            until(lambda: problems(front, "port") == [], "the end of the problem")


def test_changes_break_no_established_connection(start_front, catalog, one, two, port, until) -> None:
    with start_front(streams=[{"port": port, "service": "db-5432"}]) as front:
        register(catalog, "db-1", one.port)
        until(lambda: greeting(port) == "one", "the instance")
        visitors = [opened(port) for _ in range(20)]
        reloads = front.document()["generation"]["reloads"]
        for number in range(10):
            register(catalog, "db-2", two.port, weight=str(number + 1))
            until(lambda number=number: weight(front) == number + 1, "a change")
        assert front.document()["generation"]["reloads"] >= reloads + 10
        assert all(visitor.lives() for visitor in visitors)
        for visitor in visitors:
            visitor.close()


def test_an_instance_that_leaves_keeps_its_connections_and_gets_no_new_one(
    start_front, catalog, one, two, port, until
) -> None:
    with start_front(streams=[{"port": port, "service": "db-5432"}]) as front:
        register(catalog, "db-1", one.port)
        until(lambda: greeting(port) == "one", "the instance")
        visitor = opened(port)
        register(catalog, "db-2", two.port)
        until(lambda: len(front.instances()) == 2, "both")
        catalog.api.agent.service.maintenance("app1:db-1:80", "true", "drained")
        until(lambda: front.instances() == [f"127.0.0.1:{two.port}"], "the one out of rotation")
        assert {greeting(port) for _ in range(10)} == {"two"}
        assert visitor.lives()
        visitor.close()


def test_a_new_front_takes_over_the_ports_of_streams(start_front, catalog, one, port, image, until) -> None:
    with start_front(stream_ports=[port]) as front:
        register(catalog, "db", one.port, virtual_tcp=str(port))
        until(lambda: greeting(port) == "one", "the stream")
        visitor, old = opened(port), front.container
        old.update(restart_policy={"Name": "no"})
        front.start(image)
        until(lambda: front.execute("front-health")[0] == 0, "a new front that is well", 20)
        assert greeting(port) == "one"
        assert visitor.lives()
        visitor.close()
        assert {greeting(port) for _ in range(20)} == {"one"}


def test_nginx_that_crashed_has_the_ports_of_streams_again(start_front, catalog, one, port, until) -> None:
    with start_front(stream_ports=[port]) as front:
        register(catalog, "db", one.port, virtual_tcp=str(port))
        until(lambda: greeting(port) == "one", "the stream")
        front.shell(f"kill -9 {front.process('nginx')}")
        until(lambda: "restarting it" in front.log(), "a restart of nginx")
        until(lambda: front.execute("front-health")[0] == 0, "a front that is well")
        assert {greeting(port) for _ in range(10)} == {"one"}


def test_a_backend_gets_the_clients_address_by_the_proxy_protocol(start_front, catalog, port, until) -> None:
    with (
        echo("proxied", reads_first=True) as backend,
        start_front(streams=[{"port": port, "service": "db-5432", "proxy_protocol": True}]),
    ):
        register(catalog, "db", backend.port)
        until(lambda: greeting(port) == "proxied", "the instance")
        visitor = opened(port)
        client = visitor.connection.getsockname()
        visitor.close()
        assert backend.begun[-1] == f"PROXY TCP4 127.0.0.1 127.0.0.1 {client[1]} {port}\r\n".encode()


@pytest.mark.parametrize("policy", [{"deny": "127.0.0.0/8"}, {"allow": "10.0.0.0/8"}])
def test_who_is_not_allowed_gets_no_connection(start_front, catalog, one, port, policy, until) -> None:
    with start_front(stream_ports=[port]) as front:
        meta = {f"virtual_{key}": value for key, value in policy.items()}
        register(catalog, "db", one.port, virtual_tcp=str(port), **meta)
        until(lambda: front.document()["streams"], "the stream")
        assert greeting(port) == ""
        register(catalog, "db", one.port, virtual_tcp=str(port), virtual_allow="0.0.0.0/99")
        until(lambda: greeting(port) == "refused", "no stream for a value that is not understood")
        register(catalog, "db", one.port, virtual_tcp=str(port), virtual_allow="127.0.0.1")
        until(lambda: greeting(port) == "one", "an allowed client")


def test_one_address_may_have_so_many_connections(start_front, catalog, one, port, until) -> None:
    with start_front(streams=[{"port": port, "service": "db-5432", "max_connections": 2}]):
        register(catalog, "db", one.port)
        until(lambda: greeting(port) == "one", "the instance")
        # nginx may not have noticed the end of the connection before.
        visitors = [opened(port) for _ in range(2)]
        assert greeting(port) == ""
        for visitor in visitors:
            visitor.close()
        until(lambda: greeting(port) == "one", "room")


def client_hello(name: str) -> bytes:
    """The first bytes of a TLS client that asks for a name."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl._create_unverified_context()
    connection = context.wrap_bio(incoming, outgoing, server_hostname=name)
    with pytest.raises(ssl.SSLWantReadError):
        connection.do_handshake()
    return outgoing.read()


def test_tls_passes_unopened_by_the_name_that_clients_ask_for(start_front, catalog, one, two, port, until) -> None:
    """The backends here need no TLS: what they get is what the client sent."""
    streams = [{"port": port, "service": "db-5432", "server_names": ["db.example.com", "*.example.org"]}]
    with start_front(streams=streams, stream_ports=[port]) as front:
        register(catalog, "db", one.port)
        register(catalog, "mail", two.port, "mail-993", virtual_tls=f"mail.example.com:{port}, db.example.com:{port}")
        until(lambda: greeting(port, client_hello("mail.example.com")) == "two", "the name of metadata")
        # Each service's instances come on their own: of two that are registered, the second may be listed first.
        until(lambda: greeting(port, client_hello("db.example.com")) == "one", "the name of group_data, which wins")
        assert greeting(port, client_hello("x.example.org")) == "one"
        assert greeting(port, client_hello("other.example.com")) == ""
        assert greeting(port, b"GET / HTTP/1.1\r\n\r\n") == ""
        (text,) = until(lambda: problems(front), "the problem")
        assert text.startswith(f"port {port}/tcp for db.example.com goes to db-5432 by group_data; mail-993 claims")
        visitor = Visitor(port, hello := client_hello("mail.example.com"))
        assert visitor._file.read(len(hello)) == hello
        visitor.close()


@pytest.mark.parametrize("key", ["virtual_deny", "virtual_allow"])
def test_who_is_not_allowed_gets_no_name_of_tls(start_front, catalog, one, port, key, until) -> None:
    """nginx checks addresses before it has read the name, so by name the front decides where a connection goes."""
    with start_front(stream_ports=[port]) as front:
        said = {"virtual_tls": f"db.example.com:{port}"}
        register(catalog, "db", one.port, **said, **{key: "127.0.0.0/8" if key == "virtual_deny" else "10.0.0.0/8"})
        until(lambda: front.document()["streams"], "the stream")
        assert greeting(port, client_hello("db.example.com")) == ""
        register(catalog, "db", one.port, **said, **{key: "127.0.0.0/8" if key == "virtual_allow" else "10.0.0.0/8"})
        until(lambda: greeting(port, client_hello("db.example.com")) == "one", "an allowed client")


def test_datagrams_reach_a_udp_service_and_http_never_does(start_front, catalog, one, port, until) -> None:
    with datagrams("dns") as backend, start_front(stream_ports=[f"{port}/udp"]) as front:
        marks = {"registrator-protocol": "udp", "registrator-host": "app1"}
        meta = {**marks, "virtual_udp": str(port), "virtual_host": "dns.example.com"}
        catalog.register("dns", "127.0.0.1", backend, service="dns-53", meta=meta)
        until(lambda: asked(port) == b"dns hello", "an answer")
        assert front.get(host="dns.example.com").status in (404, 502)
        assert "dns-53.http" not in front.loaded()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(5)
            client.connect(("127.0.0.1", port))
            for number in range(100):
                client.send(str(number).encode())
                assert client.recv(100) == f"dns {number}".encode()
        catalog.deregister("dns")
        until(lambda: front.document()["streams"] == [], "no stream")
        assert asked(port, seconds=0.2) == b""


def instance_of(front: Front, service: str = "db-5432") -> Any:
    """The only instance of a service, as the front's document has it."""
    (found,) = [one for one in front.document()["services"] if one["name"] == service]
    (instance,) = found["instances"]
    return instance


def test_connections_and_bytes_are_counted_by_instance(start_front, catalog, one, port, until) -> None:
    with start_front(streams=[{"port": port, "service": "db-5432"}]) as front:
        register(catalog, "db", one.port)
        until(lambda: greeting(port) == "one", "the instance")
        until(lambda: instance_of(front)["requests"] == 1, "the connection")
        visitor = opened(port)
        assert visitor.lives()
        visitor.close()
        until(lambda: instance_of(front)["requests"] == 2, "another connection")
        assert (instance_of(front)["received"], instance_of(front)["sent"]) == (6, 14)
        assert instance_of(front)["errors"] == 0


def test_open_connections_are_counted_by_instance(start_front, catalog, one, two, port, until) -> None:
    """Also those of nginx's old workers, and not what others on this machine have open to the instance."""
    with start_front(streams=[{"port": port, "service": "db-5432"}]) as front:
        register(catalog, "db", one.port)
        until(lambda: greeting(port) == "one", "the instance")
        with Visitor(one.port).connection:
            visitors = [opened(port) for _ in range(3)]
            until(lambda: instance_of(front)["open"] == 3, "three connections")
            reloads = front.document()["generation"]["reloads"]
            register(catalog, "cache", two.port, "cache-6379", virtual_host="cache.example.com")
            until(lambda: front.document()["generation"]["reloads"] > reloads, "a reload")
            visitors.append(opened(port))
            until(lambda: instance_of(front)["open"] == 4, "one more, of the new workers")
            assert instance_of(front, "cache-6379")["open"] is None
            catalog.api.agent.service.maintenance("app1:db:80", "true", "drained")
            until(lambda: instance_of(front)["share"] is None, "the instance out of rotation")
            for left in (3, 2, 1, 0):
                visitors.pop().close()
                until(lambda left=left: instance_of(front)["open"] == left, f"{left} connections")


def test_sessions_of_udp_are_open_until_they_pause(start_front, catalog, port, until) -> None:
    stream = {"port": port, "protocol": "udp", "service": "dns-53", "read_timeout": 1}
    with datagrams("dns") as backend, start_front(streams=[stream]) as front:
        marks = {"registrator-protocol": "udp", "registrator-host": "app1", "check_interval": "1s"}
        catalog.register("dns", "127.0.0.1", backend, service="dns-53", meta=marks)
        until(lambda: asked(port) == b"dns hello", "an answer")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.connect(("127.0.0.1", port))

            def is_open() -> bool:
                client.send(b"hello")
                return bool(instance_of(front, "dns-53")["open"])

            until(is_open, "a session")
        until(lambda: instance_of(front, "dns-53")["open"] == 0, "its end")


def test_an_instance_with_the_address_of_an_earlier_one_begins_with_nothing(
    start_front, catalog, one, port, until
) -> None:
    with start_front(streams=[{"port": port, "service": "db-5432"}], keep_lost=0) as front:
        register(catalog, "db", one.port)
        until(lambda: greeting(port) == "one", "the instance")
        until(lambda: instance_of(front)["requests"] == 1, "its connection")
        catalog.deregister("db")
        until(lambda: front.instances() == [], "nobody")
        register(catalog, "cache", one.port)
        until(front.instances, "the next one")
        later = instance_of(front)
        assert (later["id"], later["address"]) == ("app1:cache:80", f"127.0.0.1:{one.port}")
        assert later["requests"] == 0
        assert greeting(port) == "one"
        until(lambda: instance_of(front)["requests"] == 1, "its own connection")


def test_a_deploy_that_declares_a_taken_port_is_told_and_the_rest_is_served(start_front, catalog, secret, port) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other, start_front() as front:
        taken = other.getsockname()[1]
        front.configure(catalog, secret, streams=[{"port": number, "service": "db-5432"} for number in (taken, port)])
        status, _, error = front.execute("front-apply")
        assert status == 1 and f"port {taken} at 127.0.0.1 is taken by another program" in error
        assert [one["port"] for one in front.document()["streams"]] == [port]
        assert greeting(port) == ""
