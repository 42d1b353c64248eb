"""Many changes cause few reloads, and open connections survive them within limits."""

import http.server
import socket
import threading
import time

import pytest
from front_world import STATE


@pytest.fixture
def echo():
    """The port of a backend that switches protocols and then echoes."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=_accept, args=(listening,), daemon=True).start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)


def _accept(listening: socket.socket) -> None:
    while True:
        try:
            connection, _ = listening.accept()
        except OSError:
            return
        threading.Thread(target=_echo, args=(connection,), daemon=True).start()


def _echo(connection: socket.socket) -> None:
    with connection:
        if not connection.recv(4096):
            return
        connection.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
        while data := connection.recv(4096):
            connection.sendall(data)


def upgraded(front) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", front.http_port), 5)
    connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
    assert connection.recv(4096).startswith(b"HTTP/1.1 101")
    return connection


def lives(connection: socket.socket) -> bool:
    try:
        connection.sendall(b"hello")
        return connection.recv(16) == b"hello"
    except OSError:
        return False


def change(front, catalog, until, number: int) -> None:
    """Make nginx serve another generation."""
    generation = front.generation()
    front.write("nginx.conf", front.read("nginx.conf") + f"# change {number}\n")
    assert front.execute("front-apply")[0] == 0
    assert front.generation() > generation


def test_a_websocket_survives_reloads(front, catalog, echo: int, until) -> None:
    catalog.register("echo", "127.0.0.1", echo)
    until(front.instances, "the instance behind the front")
    with upgraded(front) as visitor:
        for number in range(3):
            change(front, catalog, until, number)
            assert lives(visitor)
        assert front.document()["generation"]["old"] == 1
    until(lambda: front.document()["generation"]["old"] == 0, "the end of the old workers")


def test_old_generations_are_limited_and_the_oldest_is_stopped_first(start_front, catalog, echo: int, until) -> None:
    with start_front(old_generations=2) as front:
        catalog.register("echo", "127.0.0.1", echo)
        until(front.instances, "the instance behind the front")
        visitors = []
        for number in range(4):
            visitors.append(upgraded(front))
            change(front, catalog, until, number)
            assert front.document()["generation"]["old"] <= 2
        assert [lives(visitor) for visitor in visitors] == [False, False, True, True]
        assert "more than 2 earlier generations had connections left" in front.log()
        for visitor in visitors:
            visitor.close()


def test_a_burst_of_changes_causes_few_reloads(front, catalog, backends, until) -> None:
    catalog.register("one", backends[0].address)
    until(front.instances, "the instance behind the front")
    before, started = front.document()["generation"]["reloads"], time.monotonic()
    for number in range(100):
        catalog.register(f"burst-{number}", backends[1].address, 8000 + number)
    until(lambda: len(front.instances()) == 101, "all of them")
    # A burst takes less than a second; a busy machine stretches it.
    seconds = time.monotonic() - started
    assert front.document()["generation"]["reloads"] - before <= 4 * (1 + seconds)


def test_instances_lost_at_once_are_retained_while_they_accept(front, catalog, until) -> None:
    listening = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
    ports = [one.getsockname()[1] for one in listening]
    for port in ports:
        catalog.register_on("lost", f"one-{port}", "127.0.0.1", port)
    until(lambda: len(front.instances()) == 3, "all instances")
    catalog.lose("lost")
    until(
        lambda: [problem["kind"] for problem in front.document()["problems"]] == ["kept"],
        "the problem about retained instances",
    )
    assert len(front.instances()) == 3

    listening[0].close()
    until(lambda: len(front.instances()) == 2, "the one that accepts no more gone")
    front.container.restart()
    until(lambda: front.execute("front-health")[0] == 0, "a front that is well")
    assert len(front.instances()) == 2, "retained instances outlive the container"
    for one in listening:
        one.close()
    until(lambda: front.instances() == [], "nobody behind the front")


def test_instances_that_failed_serve_again_as_soon_as_they_accept(front, catalog, until) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    catalog.register_on("away", "one", "127.0.0.1", port)
    until(lambda: len(front.instances()) == 1, "the instance")
    for _ in range(10):
        assert front.status() == 502
    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), http.server.BaseHTTPRequestHandler)
    server.RequestHandlerClass.do_GET = lambda self: (self.send_response(200), self.end_headers())
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        # By itself nginx leaves it out for front.fail_timeout, a minute.
        until(lambda: front.status() == 200, "a response of the instance", 10)
    finally:
        server.shutdown()
        server.server_close()
        catalog.lose("away")
        until(lambda: front.instances() == [], "nobody behind the front")


@pytest.fixture
def small(engine, start_front):
    """A front with a volume of two megabytes."""
    options = {"type": "tmpfs", "device": "tmpfs", "o": "size=2m,uid=101,gid=101"}
    engine.volumes.create(STATE, driver="local", driver_opts=options)
    with start_front() as running:
        yield running


def test_a_full_disk_blocks_a_change_until_there_is_room(small, catalog, backends, until) -> None:
    catalog.register("one", backends[0].address)
    until(small.instances, "the instance behind the front")
    small.shell("cat /dev/zero >/var/lib/rollcall/front/full")
    catalog.register("two", backends[1].address)
    until(small.failure, "a reason")
    assert "No space left on device" in small.failure()
    assert [problem["kind"] for problem in small.document()["problems"]] == ["hindered"]
    assert small.instances() == [f"{backends[0].address}:80"]
    assert small.status() == 200
    small.shell("rm /var/lib/rollcall/front/full")
    until(lambda: len(small.instances()) == 2, "the change served by itself", 15)
    assert small.failure() == ""
