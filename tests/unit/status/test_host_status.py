"""The one command by which `rollcall status` reads a host, run with a docker and a curl that only say what they get."""

import json
import os
import subprocess
import time
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from rollcall import sections
from rollcall.components import consul, registrator
from rollcall.contract.backups import Record
from rollcall.contract.jobs import State
from rollcall.status.host_status import HostReading, Server, command, parse

TOKEN = "0b5ecc3f-secret"
SERVICE = {"ID": "app1:web:80", "Service": "nginx", "Address": "10.77.0.21", "Port": 20001, "Tags": ["v2"]}
DOCUMENT = {"version": 1, "node": "front1"}
# "docker ps" lists two, "docker inspect" shows what it is asked for, "docker exec" runs what stands behind the name.
DOCKER = """#!/bin/sh
case $1 in
  ps) echo one; echo two;;
  inspect) shift 3; for name; do echo "{\\"Name\\":\\"/$name\\"}"; done;;
  exec) shift; [ "$1" = -i ] && shift; shift; exec "$@";;
esac
"""
CURL = """#!/bin/sh
case "$*" in *:8512/jobs) echo '{jobs}'; exit;; esac
[ "$(cat)" = "X-Consul-Token: TOKEN" ] || {{ echo 'Permission denied'; exit 0; }}
echo "$*" >>{log}
echo '{services}'
echo '{checks}'
"""


def script(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


@pytest.fixture
def read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run the command on a host with these programs, and give what it prints."""
    token = tmp_path / "token"
    token.write_text(TOKEN + "\n")
    monkeypatch.setattr(registrator, "TOKEN", str(token))
    programs = tmp_path / "bin"
    programs.mkdir()

    def run(
        front: bool = False, server: bool = False, scheduler: bool = False, **more: str
    ) -> subprocess.CompletedProcess[str]:
        given = {
            "services": json.dumps({"1": SERVICE}),
            "checks": "{}",
            "jobs": "",
            "log": str(tmp_path / "arguments"),
            **more,
        }
        script(programs / "docker", given.get("docker", DOCKER))
        script(programs / "curl", given.get("curl", CURL.replace("TOKEN", TOKEN).format(**given)))
        script(programs / "front", f"#!/bin/sh\n{given.get('front_says', 'echo ' + repr(json.dumps(DOCUMENT)))}\n")
        path = f"{programs}:{os.environ['PATH']}"
        shell = ["sh", "-c", command(front=front, server=server, scheduler=scheduler)]
        return subprocess.run(shell, env={"PATH": path}, capture_output=True, text=True, check=False)

    return run


def reading(read: Any, **more: Any) -> HostReading:
    done = read(**more)
    assert done.returncode == 0, done.stderr
    return parse(done.stdout)


def test_a_host_returns_containers_services_and_front(read: Any) -> None:
    found = reading(read, front=True)
    assert [one["Name"] for one in found.containers] == ["/one", "/two"]
    assert found.registered is not None
    (service,) = found.registered
    assert (service.identity, service.endpoint, service.tags) == ("app1:web:80", "10.77.0.21:20001", ("v2",))
    assert (service.weight, service.state) == (1, "passing")
    assert found.front == DOCUMENT
    assert found.complaints == ()


def test_a_host_without_a_front_has_no_front_section(read: Any) -> None:
    assert reading(read).front is None
    assert "exec front" not in command(front=False, server=False)


def test_the_token_is_in_no_argument_list(read: Any, tmp_path: Path) -> None:
    reading(read)
    assert "v1/agent/services" in (tmp_path / "arguments").read_text()
    assert TOKEN not in (tmp_path / "arguments").read_text()
    assert TOKEN not in command(front=True, server=True)


def test_a_host_with_curl_needs_no_other_container_for_it(read: Any) -> None:
    assert reading(read, docker=DOCKER.replace('exec "$@"', "exit 1")).registered


def test_a_host_without_curl_uses_the_agents(read: Any, tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    good = CURL.replace("TOKEN", TOKEN).format(
        jobs="", services=json.dumps({"1": SERVICE}), checks="{}", log=str(tmp_path / "arguments")
    )
    script(inside / "curl", good)
    docker = DOCKER.replace('exec "$@"', f'PATH={inside}:$PATH; exec "$@"')
    assert reading(read, docker=docker, curl="#!/bin/sh\nexit 127\n").registered


def test_an_engines_failure_is_reported_in_its_words(read: Any) -> None:
    done = read(docker="#!/bin/sh\necho 'Cannot connect to the Docker daemon'\nexit 1\n")
    assert done.returncode == 91
    assert "Cannot connect" in done.stderr


@pytest.mark.parametrize("said", ["Permission denied", "", '{"one": 1}'])
def test_an_agent_that_does_not_respond_is_a_complaint(read: Any, said: str) -> None:
    found = reading(read, curl=f"#!/bin/sh\necho '{said}'\n")
    assert found.registered is None
    assert found.complaints[0].startswith("cannot read the services of its Consul agent")


@pytest.mark.parametrize(
    ("says", "part"),
    [
        ("echo 'No such container: front'", "No such container"),
        ("true", "no response"),
        ("""echo '{"version": 7}'""", "version 7"),
    ],
)
def test_a_front_that_does_not_respond_is_a_complaint(read: Any, says: str, part: str) -> None:
    found = reading(read, front=True, front_says=says)
    assert found.front is None
    assert part in found.complaints[0]


@pytest.mark.parametrize(
    ("checks", "state"),
    [
        ([], "passing"),
        ([("serfHealth", "", "passing"), ("a", "app1:web:80", "warning")], "warning"),
        ([("a", "app1:web:80", "warning"), ("b", "app1:web:80", "critical")], "critical"),
        ([("a", "app1:other:80", "critical")], "passing"),
        ([("_service_maintenance:app1:web:80", "app1:web:80", "critical")], "maintenance"),
        ([("_service_maintenance:app1:other:80", "app1:other:80", "critical")], "passing"),
        ([("_node_maintenance", "", "critical")], "maintenance"),
    ],
)
def test_the_state_is_the_worst_of_an_instances_and_its_nodes_checks(
    read: Any, checks: list[tuple[str, str, str]], state: str
) -> None:
    listed = {name: {"CheckID": name, "ServiceID": of, "Status": status} for name, of, status in checks}
    found = reading(read, checks=json.dumps(listed)).registered
    assert found is not None
    assert found[0].state == state


def test_a_host_tells_its_clock_its_leader_and_its_agents_certificate(
    read: Any, tmp_path: Path, monkeypatch: Any
) -> None:
    (tmp_path / "tls").mkdir()
    (tmp_path / "tls" / "agent.crt").write_text("CERT\n")
    monkeypatch.setattr(consul, "FOLDER", str(tmp_path))
    before = time.time()
    found = reading(read, services='"10.77.0.11:8300"')
    assert found.clock is not None
    assert before <= found.clock <= time.time()
    assert (found.leader, found.certificate, found.servers) == (True, "CERT", None)


@pytest.mark.parametrize(
    ("said", "leader"), [('""', False), ("No known Consul servers", False), ("rpc error: No cluster leader", False)]
)
def test_an_agent_without_a_leader_is_recognised(read: Any, said: str, leader: bool) -> None:
    assert reading(read, services=said).leader is leader


def test_another_response_does_not_tell_whether_there_is_a_leader(read: Any) -> None:
    assert reading(read).leader is None
    assert reading(read, curl="#!/bin/sh\n").leader is None


def test_a_server_returns_autopilots_health(read: Any) -> None:
    since = "2026-11-28T10:00:00Z"
    health = {
        "Servers": [
            {"Name": "consul1", "Healthy": True, "StableSince": since},
            {"Name": "two", "Healthy": False, "Voter": False},
        ]
    }
    curl = f"#!/bin/sh\necho '{json.dumps(health)}'\n"
    found = reading(read, server=True, curl=curl).servers
    assert found == (Server("consul1", True, datetime.fromisoformat(since)), Server("two", False, voter=False))
    assert reading(read, server=True, curl="#!/bin/sh\necho 'No cluster leader'\n").servers is None


def test_a_health_that_comes_late_is_no_missing_backup(read: Any) -> None:
    record = Record(1764400000, "consul1", "/backups/a.snapshot", 1024, 7)
    answers = f"printf '\\n[]\\n%s\\n' '{json.dumps(asdict(record))}'"
    found = reading(read, server=True, curl=f"#!/bin/sh\n{answers}\n")
    assert (found.servers, found.backup) == (None, record)


def test_truncated_output_is_an_error() -> None:
    with pytest.raises(ValueError, match="cut off"):
        parse(f"{sections.MARKER} containers\n")


def test_only_newlines_end_lines() -> None:
    """Docker and Consul write it as it is, and any container may have it in a label or a tag."""
    mark = sections.MARKER
    found = parse(f'{mark} containers\n{{"Name":"/a\x85b"}}\n{mark} agent\n{{}}\n{{}}\n{mark} end\n')
    assert [one["Name"] for one in found.containers] == ["/a\x85b"]


def test_a_scheduler_says_how_its_jobs_ended(read: Any) -> None:
    state = State("2026-11-29T03:17:00Z", "17 3 * * * UTC")
    found = parse(read(scheduler=True, jobs=json.dumps({"backup": json.loads(state.text)})).stdout)
    assert found.jobs == {"backup": state}
    assert parse(read().stdout).jobs is None
    silent = parse(read(scheduler=True).stdout)
    assert silent.jobs is None
    assert silent.complaints == ("cannot read the jobs of its scheduler: it does not respond",)
