"""The container's two programs when one exits, when Docker stops them, and without Consul."""

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


def test_a_killed_nginx_restarts_without_a_failed_request(front, catalog, backends, until) -> None:
    """The front owns the listening sockets, and the old workers serve until the new ones do."""
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
    assert "front: nginx exited with status 137; restarting it" in front.log()
    until(lambda: front.shell("grep -l '^State:.*Z' /proc/[0-9]*/status 2>/dev/null") == "", "no zombie")
    catalog.register("two", backends[1].address)
    until(lambda: len(front.instances()) == 2, "a change to be followed")


def test_an_nginx_that_exits_repeatedly_stops_the_container(front, catalog, backends, until) -> None:
    registered(front, catalog, backends[0], until)
    for _ in range(3):
        until(lambda: front.execute("front-health")[0] == 0, "a front that is well")
        killed(front, "nginx")
    until(lambda: front.restarts() == 1 and front.status() == 200, "the front to serve again")
    assert "stopping the container" in front.log()


def test_a_killed_consul_template_restarts_without_touching_nginx(front, catalog, backends, until) -> None:
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
    assert "front: consul-template exited with status 137" in front.log()


def test_a_consul_template_that_cannot_run_is_retried_and_reported(front, catalog, backends, until) -> None:
    registered(front, catalog, backends[0], until)
    token = front.read("token")
    (front.folder / "token").unlink()
    killed(front, "consul-template")
    until(lambda: front.log().count("consul-template exited") == 3, "three attempts")
    assert [f"in {pause} s" in front.log() for pause in (1, 3, 7)] == [True, True, True]
    code, shown, _ = front.execute("front-health")
    assert code == 1
    assert "consul-template exited with status" in shown
    assert front.status() == 200

    front.write("token", token)
    (front.folder / "token").chmod(0o644)
    catalog.register("two", backends[1].address)
    until(lambda: len(front.instances()) == 2, "a change to be followed", 15)
    assert front.execute("front-health")[0] == 0
    assert front.restarts() == 0


def test_an_unexpected_exit_is_a_failure(front, until) -> None:
    front.container.update(restart_policy={"Name": "no"})
    for _ in range(3):
        until(lambda: front.execute("front-health")[0] == 0, "a front that is well")
        killed(front, "nginx")
    until(lambda: front.state()["Status"] == "exited", "the container to end")
    assert front.state()["ExitCode"] == 1


def test_a_restarted_front_serves_at_once_without_consul(front, catalog, backends, until) -> None:
    registered(front, catalog, backends[0], until)
    catalog.container.pause()
    try:
        front.container.restart()
        until(lambda: front.status() == 200, "the last good list")
    finally:
        catalog.container.unpause()
    catalog.register("two", backends[1].address)
    until(lambda: len(front.instances()) == 2, "a change to be followed")


def test_a_hanging_consul_is_a_problem_until_it_responds(front, catalog, backends, until) -> None:
    registered(front, catalog, backends[0], until)
    catalog.container.pause()
    try:
        until(lambda: "cannot follow the catalog" in front.failure(), "word of it", 15)
        assert front.execute("front-health")[0] == 0
        assert "did not respond within 3 s" in front.execute("front-health")[1]
        assert front.status() == 200
    finally:
        catalog.container.unpause()
    until(lambda: front.failure() == "", "an end of the problem")


def test_docker_stop_is_prompt_and_exits_0(front, catalog, backends, until) -> None:
    registered(front, catalog, backends[0], until)
    started = time.monotonic()
    front.container.stop(timeout=30)
    assert time.monotonic() - started < 3
    assert front.state()["ExitCode"] == 0


def test_a_stop_during_the_start_takes_effect(front, until) -> None:
    for delay in (0.0, 0.02, 0.05, 0.1, 0.2, 0.4):
        front.container.stop(timeout=30)
        front.container.start()
        until(lambda: listens_to_signals(front.state()["Pid"]), "a first process that listens to signals")
        time.sleep(delay)  # not a wait: the test varies the moment of the signal
        started = time.monotonic()
        front.container.stop(timeout=30)
        assert time.monotonic() - started < 10, f"stopped {delay} s after its start"


def listens_to_signals(pid: int) -> bool:
    """Whether it is our program instead of its start script, and handles signals."""
    status = Path(f"/proc/{pid}/status").read_text()
    caught = next(line for line in status.splitlines() if line.startswith("SigCgt:")).split()[1]
    return status.startswith("Name:\tpython3\n") and bool(int(caught, 16) >> (signal.SIGQUIT - 1) & 1)


def test_docker_stop_loses_no_line_of_the_access_log(front, catalog, backends, until) -> None:
    """nginx's workers buffer lines for half a second; the last ones belong to requests just before the stop."""
    registered(front, catalog, backends[0], until)
    for _ in range(20):
        front.get(X_Request_ID="the-last")
    front.container.stop(timeout=30)
    assert front.log().count('"request_id":"the-last"') == 20


def test_docker_stop_finishes_open_requests_and_accepts_no_new_one(front, catalog, backends, until) -> None:
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


def test_reloads_leave_nothing_behind(front, catalog, backends, until) -> None:
    registered(front, catalog, backends[0], until)
    for number in range(5):
        catalog.register("two", backends[1].address, 80 + number)
        until(lambda number=number: f"{backends[1].address}:{80 + number}" in front.instances(), "the change")
    until(lambda: front.shell("grep -l '^State:.*Z' /proc/[0-9]*/status 2>/dev/null") == "", "no zombie")
    assert front.shell("ls -d /var/lib/rollcall/front/generation.* | wc -l").strip() == "1"


def test_without_consul_the_last_instances_stay_and_later_changes_follow(
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
        assert "Consul did not respond within 10 s" in complaint and "connection refused" in complaint
    finally:
        catalog.container.start()
        until(catalog.is_ready, "a Consul with a leader", 30)
        catalog.give_rights(secret)
    assert front.restarts() == 0
    catalog.register("two", two.address)
    until(
        lambda: front.instances() == sorted([f"{one.address}:80", f"{two.address}:80"]), "a change to be followed", 20
    )


def test_docker_reports_it_healthy(front, until) -> None:
    until(lambda: front.state()["Health"]["Status"] == "healthy", "a healthy container", 30)


def test_the_health_check_detects_a_hung_nginx(front) -> None:
    assert front.execute("front-health")[0] == 0
    front.shell("for p in /proc/[0-9]*; do grep -q ^nginx $p/cmdline && kill -STOP ${p#/proc/}; done")
    assert front.execute("front-health")[:2] == (1, "nginx does not respond\n")
