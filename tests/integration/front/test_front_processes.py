"""The container's two programs: what happens when one ends, when Docker stops them, when Consul is away."""

import signal
import threading
import time
from pathlib import Path

from keep_alive_load import Load


def registered(front, catalog, backend, until) -> None:
    catalog.register(backend.name, backend.address)
    until(front.instances, "the instance behind the front")


def killed(front, program: str) -> None:
    front.shell(f"kill -9 {front.process(program)}")


def test_a_killed_nginx_is_back_and_no_visitor_notices(front, catalog, backends, until) -> None:
    """Its listening sockets are not its own, and its workers serve on until the new ones do."""
    registered(front, catalog, backends[0], until)
    before = front.process("nginx")
    load = Load(front.http_port)
    with load.running():
        until(lambda: load.requests > 100, "visitors")
        killed(front, "nginx")
        until(lambda: front.process("nginx") not in ("", before), "another nginx")
        until(lambda: front.execute("front-health")[0] == 0, "a front that is well")
        served = load.requests
        until(lambda: load.requests > served + 1000, "visitors served by the new one")
    assert load.broken == {}
    assert front.restarts() == 0
    assert "front: nginx ended with status 137 and is started again" in front.log()
    until(lambda: front.shell("grep -l '^State:.*Z' /proc/[0-9]*/status 2>/dev/null") == "", "no zombie")
    catalog.register("two", backends[1].address)
    until(lambda: len(front.instances()) == 2, "a change to be followed")


def test_an_nginx_that_ends_again_and_again_ends_the_container(front, catalog, backends, until) -> None:
    registered(front, catalog, backends[0], until)
    for _ in range(3):
        until(lambda: front.execute("front-health")[0] == 0, "a front that is well")
        killed(front, "nginx")
    until(lambda: front.restarts() == 1 and front.status() == 200, "the front to serve again")
    assert "so the container does" in front.log()


def test_a_killed_consul_template_is_started_again_and_nginx_does_not_notice(front, catalog, backends, until) -> None:
    registered(front, catalog, backends[0], until)
    visitor = front.connect()
    visitor.request("GET", "/health")
    assert visitor.getresponse().read() == b"ok\n"
    nginx, generation = front.process("nginx"), front.generation()

    killed(front, "consul-template")
    catalog.register("two", backends[1].address)
    until(lambda: len(front.instances()) == 2, "a change to be followed")
    visitor.request("GET", "/health")
    assert visitor.getresponse().status == 200
    assert (front.restarts(), front.process("nginx")) == (0, nginx)
    assert front.generation() != generation
    assert "front: consul-template ended with status 137" in front.log()


def test_a_consul_template_that_cannot_run_is_tried_again_and_shown(front, catalog, backends, until) -> None:
    registered(front, catalog, backends[0], until)
    token = front.read("token")
    (front.folder / "token").unlink()
    killed(front, "consul-template")
    until(lambda: front.log().count("consul-template ended") == 3, "three attempts")
    assert [f"in {pause} s" in front.log() for pause in (1, 3, 7)] == [True, True, True]
    code, shown, _ = front.execute("front-health")
    assert code == 1
    assert "consul-template ended with status" in shown
    assert front.status() == 200

    front.write("token", token)
    (front.folder / "token").chmod(0o644)
    catalog.register("two", backends[1].address)
    until(lambda: len(front.instances()) == 2, "a change to be followed", 15)
    assert front.execute("front-health")[0] == 0
    assert front.restarts() == 0


def test_an_unexpected_end_is_no_success(front, until) -> None:
    front.container.update(restart_policy={"Name": "no"})
    for _ in range(3):
        until(lambda: front.execute("front-health")[0] == 0, "a front that is well")
        killed(front, "nginx")
    until(lambda: front.state()["Status"] == "exited", "the container to end")
    assert front.state()["ExitCode"] == 1


def test_a_restarted_front_serves_at_once_even_without_consul(front, catalog, backends, until) -> None:
    registered(front, catalog, backends[0], until)
    catalog.container.pause()
    try:
        front.container.restart()
        until(lambda: front.status() == 200, "the last good list")
    finally:
        catalog.container.unpause()
    catalog.register("two", backends[1].address)
    until(lambda: len(front.instances()) == 2, "a change to be followed")


def test_a_consul_that_hangs_is_told_of_until_it_answers(front, catalog, backends, until) -> None:
    registered(front, catalog, backends[0], until)
    catalog.container.pause()
    try:
        until(lambda: "the catalog cannot be followed" in front.failure(), "word of it", 15)
        assert front.execute("front-health")[0] == 0
        assert "has not answered for 3 s" in front.execute("front-health")[1]
        assert front.status() == 200
    finally:
        catalog.container.unpause()
    until(lambda: front.failure() == "", "an end of the problem")


def test_docker_stop_is_prompt_and_a_success(front, catalog, backends, until) -> None:
    registered(front, catalog, backends[0], until)
    started = time.monotonic()
    front.container.stop(timeout=30)
    assert time.monotonic() - started < 3
    assert front.state()["ExitCode"] == 0


def test_a_stop_while_it_is_starting_is_not_lost(front, until) -> None:
    for delay in (0.0, 0.02, 0.05, 0.1, 0.2, 0.4):
        front.container.stop(timeout=30)
        front.container.start()
        until(lambda: listens_to_signals(front.state()["Pid"]), "a first process that listens to signals")
        time.sleep(delay)  # not a wait: the moment of the signal is what varies
        started = time.monotonic()
        front.container.stop(timeout=30)
        assert time.monotonic() - started < 10, f"stopped {delay} s after its start"


def listens_to_signals(pid: int) -> bool:
    """Whether it is our program, not the script that becomes it, and has said what it does on a signal."""
    status = Path(f"/proc/{pid}/status").read_text()
    caught = next(line for line in status.splitlines() if line.startswith("SigCgt:")).split()[1]
    return status.startswith("Name:\tpython3\n") and bool(int(caught, 16) >> (signal.SIGQUIT - 1) & 1)


def test_docker_stop_loses_no_line_of_the_access_log(front, catalog, backends, until) -> None:
    """nginx's workers keep lines for half a second; the last ones are of requests just before the stop."""
    registered(front, catalog, backends[0], until)
    for _ in range(20):
        front.get(X_Request_ID="the-last")
    front.container.stop(timeout=30)
    assert front.log().count('"request_id":"the-last"') == 20


def test_docker_stop_lets_a_request_finish_and_takes_no_new_one(front, catalog, backends, until) -> None:
    registered(front, catalog, backends[0], until)
    connection = front.connect()
    connection.putrequest("POST", "/json")
    connection.putheader("Content-Length", "4")
    connection.endheaders(b"ab")  # nginx waits for the rest
    stopping = threading.Thread(target=front.container.stop, kwargs={"timeout": 30})
    stopping.start()
    until(lambda: front.status() == 0, "no new connection to be taken")
    assert stopping.is_alive(), "the container did not wait for the request"
    connection.send(b"cd")
    assert connection.getresponse().status == 200
    stopping.join(timeout=15)
    assert not stopping.is_alive()
    assert front.state()["ExitCode"] == 0


def test_nothing_is_left_behind_by_many_reloads(front, catalog, backends, until) -> None:
    registered(front, catalog, backends[0], until)
    for number in range(5):
        catalog.register("two", backends[1].address, 80 + number)
        until(lambda number=number: f"{backends[1].address}:{80 + number}" in front.instances(), "the change")
    until(lambda: front.shell("grep -l '^State:.*Z' /proc/[0-9]*/status 2>/dev/null") == "", "no zombie")
    assert front.shell("ls -d /var/lib/rollcall/front/generation.* | wc -l").strip() == "1"


def test_while_consul_is_away_the_last_list_is_served_and_then_followed_again(
    front, catalog, backends, secret, until
) -> None:
    one, two = backends
    registered(front, catalog, one, until)
    catalog.container.stop(timeout=5)
    try:
        until(lambda: "front" in front.log() and "retry" in front.log(), "consul-template to notice")
        assert front.status() == 200
        assert front.instances() == [f"{one.address}:80"]
        code, text, complaint = front.execute("front-render")
        assert (code, text) == (1, "")
        assert "Consul did not answer within 10 s" in complaint and "connection refused" in complaint
    finally:
        catalog.container.start()
        until(catalog.is_ready, "a Consul with a leader", 30)
        catalog.give_rights(secret)
    assert front.restarts() == 0
    catalog.register("two", two.address)
    until(
        lambda: front.instances() == sorted([f"{one.address}:80", f"{two.address}:80"]), "a change to be followed", 20
    )


def test_docker_sees_that_it_is_healthy(front, until) -> None:
    until(lambda: front.state()["Health"]["Status"] == "healthy", "a healthy container", 30)


def test_the_health_check_sees_a_hung_nginx(front) -> None:
    assert front.execute("front-health")[0] == 0
    front.shell("for p in /proc/[0-9]*; do grep -q ^nginx $p/cmdline && kill -STOP ${p#/proc/}; done")
    assert front.execute("front-health")[:2] == (1, "nginx does not answer\n")
