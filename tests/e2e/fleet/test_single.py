"""Everything on the machine the tests run on, and its clean removal."""

import json
import os
import subprocess
import urllib.request
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

import pytest
from deployed import PROJECT, rollcall, wait_for

from rollcall.converge.host_state import listener

SINGLE = "inventories/single.py"
SITE = "http://127.0.0.1:8081"


def machine(command: str) -> str:
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    return done.stdout.strip()


def make(target: str) -> str:
    # As from a shell: a make above this one would have its own words printed around those of the target.
    own = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    done = subprocess.run(["make", target], cwd=PROJECT, env=own, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def managed() -> str:
    return machine("docker ps -q --no-trunc --filter label=rollcall.managed | sort")


def listening() -> set[tuple[str, int]]:
    tables = machine("awk '$4 == \"0A\" { print $2 }' /proc/net/tcp /proc/net/tcp6")
    return {listener(line) for line in tables.splitlines()}


def everything() -> dict[str, str]:
    """What a removal must leave as it found it."""
    return {
        "containers": machine("docker ps -aq --no-trunc | sort"),
        "networks": machine("docker network ls -q --no-trunc | sort"),
        "volumes": machine("docker volume ls -q | sort"),
        "images": machine("docker images --format '{{.Repository}}:{{.Tag}}' | grep -v none | sort"),
        "files": machine("ls -d /etc/rollcall /var/log/rollcall 2>/dev/null"),
        "resolver": Path("/etc/resolv.conf").read_text(),
        "listening": "\n".join(sorted(f"{address or '0.0.0.0'}:{port}" for address, port in listening())),
    }


@pytest.fixture(scope="module")
def demo() -> Iterator[dict[str, str]]:
    rollcall("lab", "images")
    make("demo-down")  # somebody may be using it
    before = everything()
    assert make("demo").endswith(f"{SITE}/\n")
    yield before
    make("demo-down")


def answering() -> set[str]:
    seen = set()
    for _ in range(10):
        with urllib.request.urlopen(f"{SITE}/json", timeout=5) as answer:
            seen.add(json.load(answer)["container"])
    return seen


def test_three_backends_behind_the_front(demo: dict[str, str]) -> None:
    wait_for("answer of every backend", lambda: answering() == {"webserver-1", "webserver-2", "nginx-1"})


def test_names_of_the_catalog_and_all_others(demo: dict[str, str]) -> None:
    for name in ("nginx-80.service.consul", "http.webserver-80.service.consul"):
        assert machine(f"getent hosts {name}"), name
        assert machine(f"docker exec nginx-1 getent hosts {name}"), name
    assert machine("getent hosts localhost")


def test_nothing_listens_beyond_the_machine(demo: dict[str, str]) -> None:
    new = set(everything()["listening"].splitlines()) - set(demo["listening"].splitlines())
    assert new
    addresses = {address.rsplit(":", 1)[0] for address in new}
    bridges = machine("ip -4 -o address | awk '$2 ~ /^(docker|br-)/ { print $4 }' | cut -d / -f 1").split()
    assert {one for one in addresses if not ip_address(one).is_link_local} <= {"127.0.0.1", *bridges}


def test_verify(demo: dict[str, str]) -> None:
    assert "✗" not in rollcall("verify", "--disturb", SINGLE)


def test_second_deploy_changes_nothing(demo: dict[str, str]) -> None:
    before = managed()
    rollcall("deploy", SINGLE)
    assert managed() == before


def test_a_removal_restores_the_machine(demo: dict[str, str]) -> None:
    # As a front with front.access_log = "file" has left it.
    machine("install -d /var/log/rollcall/front && touch /var/log/rollcall/front/access.log")
    make("demo-down")
    after = everything()
    # Other programs may close a port meanwhile; none may be open that was not before.
    assert set(after.pop("listening").splitlines()) <= set(demo.pop("listening").splitlines())
    assert after == demo
