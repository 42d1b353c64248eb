"""Services of every kind on the lab: WebSockets, programs that do not end, several at a time, checks, options."""

import json
import os
import pty
import re
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest
from deployed import FRONT, PROJECT, Fleet, rollcall, wait_for
from image_for_tests import made
from keep_alive_load import Load
from shop_service import SHOP, Declared
from web_socket import WebSocket

from rollcall.lab.layout import IMAGE_LABEL

GOING_AWAY = 1001
DRAIN = {"release": {"timeout": 30, "drain_timeout": 15}}
# How much later than Consul itself a test may see a change there, on a busy machine.
LATE_SECONDS = 8
CHAT = Path(__file__).parents[2] / "support" / "chat"
HOSTS = ("app1", "app2")
GRPC = r"""
printf '\0\0\0\0\2\010\1' >/tmp/serving
cat >/etc/nginx/conf.d/default.conf <<'end'
server {
  listen 8000; http2 on; root /tmp; default_type application/grpc; add_trailer grpc-status 0 always;
  location / { return 200 "grpc"; }
  location = /serving { error_page 405 =200 /serving; }
  location /grpc. { rewrite ^ /serving last; }
}
end
exec nginx -g 'daemon off;'
"""


@pytest.fixture(scope="module")
def image() -> str:
    return made(docker.from_env(), CHAT)


@pytest.fixture(scope="module")
def shop(fleet: Fleet, image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Declared]:
    declared = Declared(tmp_path_factory.mktemp("shop"))
    yield declared
    declared.write()
    rollcall("deploy", declared.inventory, "--yes")
    assert fleet.deploy().changed == set()


def chat(image: str, version: str, environment: dict[str, str] | None = None, **more: Any) -> dict[str, Any]:
    own = {"VERSION": version, **(environment or {})}
    return {"image": image, "image_source": "push", "command": [], "environment": own, "memory": 64, **DRAIN, **more}


def sockets_on_both_hosts(fleet: Fleet) -> list[WebSocket]:
    """Open WebSockets until each host's container has one; its other connections end with their responses."""
    sockets: list[WebSocket] = []

    def is_on_both() -> bool:
        sockets.append(WebSocket(SHOP))
        # Port 8000, established (proc_pid_net(5)).
        table = "docker exec shop-1 cat /proc/net/tcp /proc/net/tcp6 | grep -c ':1F40 [0-9A-F:]* 01 '"
        return all(int(fleet.on(host, table, check=False) or 0) for host in HOSTS)

    wait_for("a WebSocket on each host", is_on_both)
    return sockets


class FirstDrain:
    """The moment at which the first container goes out of service, as Consul has it, at most some seconds late."""

    def __init__(self, fleet: Fleet) -> None:
        self.at = 0.0
        self._thread = threading.Thread(target=self._watch, args=(fleet,))
        self._thread.start()

    def _watch(self, fleet: Fleet) -> None:
        wait_for("a container out of service", lambda: "_service_maintenance" in dict(consul_checks(fleet)), 120)
        self.at = time.monotonic()

    def join(self) -> None:
        self._thread.join()


def visitors() -> Load:
    return Load(8080, path="/", connections=4, host=SHOP)


def test_a_websocket_lives_until_the_drain_time_is_over_and_ends_with_a_goodbye(
    fleet: Fleet, shop: Declared, image: str
) -> None:
    shop.write("v1", **chat(image, "v1"))
    rollcall("deploy", shop.inventory)
    sockets = sockets_on_both_hosts(fleet)
    assert {one.ask("hello") for one in sockets} == {"v1 hello"}
    ends: list[float] = []

    def live(one: WebSocket) -> None:
        one.lives()
        ends.append(time.monotonic())

    threads = [threading.Thread(target=live, args=(one,)) for one in sockets]
    for thread in threads:
        thread.start()
    shop.write("v1", **chat(image, "v2"))
    load, drain = visitors(), FirstDrain(fleet)
    with load.running():
        said = rollcall("deploy", shop.inventory)
    for thread in (*threads, drain):
        thread.join()
    assert not load.broken, load.answers
    assert drain.at and min(ends) - drain.at > DRAIN["release"]["drain_timeout"] - LATE_SECONDS
    assert {one.closed for one in sockets} == {GOING_AWAY}
    assert said.count("drained and removed; ") == 2
    assert WebSocket(SHOP).ask("again") == "v2 again"


def test_a_program_that_ignores_sigterm_delays_its_release_alone(fleet: Fleet, shop: Declared, image: str) -> None:
    shop.write("v1", **chat(image, "v3", {"STUBBORN": "1"}, stop_timeout=3))
    rollcall("deploy", shop.inventory)
    shop.write("v1", **chat(image, "v4"))
    load = visitors()
    with load.running():
        rollcall("deploy", shop.inventory)
    assert not load.broken, load.answers
    assert fleet.on("app1", "docker ps -a --format '{{.Names}}' | grep shop") == "shop-1"


def test_containers_of_one_host_are_replaced_at_the_same_time(fleet: Fleet, shop: Declared, image: str) -> None:
    shop.write("v1", **chat(image, "v4", count=3))
    rollcall("deploy", shop.inventory)
    several = {**DRAIN["release"], "parallel": 6}
    shop.write("v1", **chat(image, "v5", count=3, release=several))
    load = visitors()
    most, over = 0, threading.Event()

    def watch() -> None:
        nonlocal most
        while not over.is_set():
            most = max(most, int(fleet.on("app1", "docker ps --format '{{.Names}}' | grep -c -- -next", check=False)))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        with load.running():
            rollcall("deploy", shop.inventory)
    finally:
        over.set()
        thread.join()
    assert not load.broken, load.answers
    assert most > 1
    for host in HOSTS:
        found = fleet.on(host, "docker ps -a --format '{{.Names}}' | grep shop | sort").split()
        assert found == ["shop-1", "shop-2", "shop-3"]
    shop.write("v1", **chat(image, "v5"))
    rollcall("deploy", shop.inventory)


def consul_checks(fleet: Fleet) -> set[tuple[str, str]]:
    checks = fleet.consul("/v1/health/checks/shop")
    return {(one["CheckID"].partition(":")[0], one["Status"]) for one in checks or ()}


def test_the_healthcheck_of_an_image_decides(fleet: Fleet, shop: Declared, image: str) -> None:
    shop.write("v1", **chat(image, "v6", health={"check": "image"}))
    rollcall("deploy", shop.inventory)
    assert consul_checks(fleet) == {("docker-health", "passing")}
    before = fleet.all_containers()
    shop.write("v1", **chat(image, "v7", {"SICK_AFTER": "0"}, health={"check": "image"}))
    said = rollcall("deploy", shop.inventory, code=1)
    assert "its HEALTHCHECK says" in said
    assert "The old one serves. Replaced so far: none." in said
    assert fleet.all_containers() == before


def test_a_version_that_turns_unhealthy_is_released_no_further(fleet: Fleet, shop: Declared, image: str) -> None:
    shop.write("v1", **chat(image, "v6", count=4))
    rollcall("deploy", shop.inventory)
    shop.write("v1", **chat(image, "v8", {"SICK_AFTER": "20"}, count=4))
    said = rollcall("deploy", shop.inventory, code=1)
    assert "does not serve any more" in said
    inspect = "docker ps -q --filter name=shop | xargs docker inspect -f '{{.Config.Env}}'"
    assert any("VERSION=v6" in fleet.on(host, inspect) for host in HOSTS)


def test_a_grpc_service_passes_by_its_own_health_protocol(fleet: Fleet, shop: Declared) -> None:
    shop.write("v1", command=["sh", "-c", GRPC], health={"check": "grpc", "interval": "1s"}, routes=[])
    rollcall("deploy", shop.inventory)
    assert consul_checks(fleet) == {("service", "passing")}
    assert {one["Type"] for one in fleet.consul("/v1/health/checks/shop")} == {"grpc"}


OPTIONS: dict[str, Any] = {
    "init": True,
    "entrypoint": ["/usr/bin/env", "FROM=entrypoint"],
    "working_dir": "/var/tmp",
    "hostname": "own-name",
    "stop_signal": "SIGINT",
    "extra_hosts": {"database.example.com": "10.77.0.9", "host.example.com": "host-gateway"},
    "tmpfs": [{"target": "/cache", "size": 8}],
    "devices": ["/dev/null:/dev/other:rw"],
    "group_add": ["44"],
    "shm_size": 32,
    "sysctls": {"net.core.somaxconn": "512"},
    "ulimits": {"nofile": "1000:2000"},
    "oom_score_adj": 300,
}
SHOWN = {
    "echo $FROM": "entrypoint",
    "pwd": "/var/tmp",
    "hostname": "own-name",
    "grep -c -e database.example.com -e host.example.com /etc/hosts": "2",
    "stat -f -c %T /cache": "tmpfs",
    "ls /dev/other": "/dev/other",
    "df -m /dev/shm | tail -n 1 | awk '{print $2}'": "32",
    "cat /proc/sys/net/core/somaxconn": "512",
    "ulimit -Sn": "1000",
    "ulimit -Hn": "2000",
    "cat /proc/1/oom_score_adj": "300",
}


def test_every_option_reaches_the_program_and_is_no_drift(fleet: Fleet, shop: Declared) -> None:
    script = "; ".join(SHOWN)
    program = f"{{ {script}; id -G; }} >/cache/shown 2>&1; exec sleep 1000"
    shop.write("v1", ports=[], routes=[], health={"check": "none"}, command=["sh", "-c", program], options=OPTIONS)
    rollcall("deploy", shop.inventory)
    for host in HOSTS:
        *lines, groups = fleet.on(host, "docker exec shop-1 cat /cache/shown").splitlines()
        assert dict(zip(SHOWN, lines, strict=True)) == SHOWN
        assert "44" in groups.split()
        inspected = json.loads(fleet.on(host, "docker inspect shop-1"))[0]
        assert (inspected["HostConfig"]["Init"], inspected["Config"]["StopSignal"]) == (True, "SIGINT")
    before = fleet.all_containers()
    assert "shop-1" not in rollcall("deploy", shop.inventory)
    assert fleet.all_containers() == before


class Terminal:
    """A command on a terminal of its own, as a person has it."""

    def __init__(self, *arguments: str) -> None:
        self.shown = ""
        self._pid, self._terminal = pty.fork()
        if self._pid == 0:
            os.chdir(PROJECT)
            os.execv(sys.executable, [sys.executable, "-m", "rollcall", *arguments])
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        try:
            while found := os.read(self._terminal, 4096):
                self.shown += found.decode(errors="replace")
        except OSError:
            pass  # the terminal's other end is closed

    def type(self, text: str) -> None:
        os.write(self._terminal, text.encode())

    def wait_for(self, pattern: str) -> None:
        wait_for(f"{pattern!r} on the terminal", lambda: re.search(pattern, self.shown) is not None)

    def ends(self) -> int:
        _, status = os.waitpid(self._pid, 0)
        return os.waitstatus_to_exitcode(status)


def test_exec_and_logs_on_a_terminal(fleet: Fleet, shop: Declared, image: str) -> None:
    shop.write("v1", **chat(image, "v9"))
    rollcall("deploy", shop.inventory)
    shell = Terminal("exec", shop.inventory, "shop", "--", "sh")
    shell.wait_for(r"\$ ")
    shell.type("tty; hostname\n")
    shell.wait_for(r"/dev/pts/\d+\s+shop-1")
    # Ctrl-C reaches the program in the container, and the shell goes on.
    shell.type("sleep 1000\n")
    wait_for("the sleeping program", lambda: "sleep" in fleet.on("app1", "docker top shop-1"))
    shell.type("\x03")
    shell.type("exit 7\n")
    assert shell.ends() == 7
    log = Terminal("logs", shop.inventory, "shop", "-f")
    log.wait_for(r"\x1b\[\d+mapp[12]/shop-1 \|")
    # A new container's lines follow, too.
    rollcall("restart", shop.inventory, "shop")
    for number in range(len(HOSTS)):
        urllib.request.urlopen(urllib.request.Request(f"{FRONT}/{number}", headers={"Host": SHOP}), timeout=20).close()
        log.wait_for(rf"shop-1 .*GET /{number} ")
    log.type("\x03")
    assert log.ends() == 0
    for host in HOSTS:
        wait_for(
            "no `docker logs` left", lambda host=host: fleet.on(host, "pgrep -f '[d]ocker logs'", check=False) == ""
        )


def test_images_beyond_the_last_three_that_ran_go_with_a_release(
    fleet: Fleet, shop: Declared, image: str, tmp_path: Path
) -> None:
    engine = docker.from_env()
    tags = [f"{image.rpartition(':')[0]}:prune-{number}" for number in range(5)]
    try:
        for tag in tags:
            (tmp_path / "Dockerfile").write_text(f"FROM {image}\nENV TAG={tag}\n")
            engine.images.build(path=str(tmp_path), tag=tag, labels={IMAGE_LABEL: "test"}, rm=True)
            shop.write("v1", **chat(tag, "v10"))
            rollcall("deploy", shop.inventory)
        for host in HOSTS:
            left = fleet.on(host, "docker images --format '{{.Repository}}:{{.Tag}}' | grep prune- | sort")
            assert left.split() == tags[2:]
    finally:
        for tag in tags:
            engine.images.remove(tag, force=True)
