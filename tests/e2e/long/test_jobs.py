"""Jobs on the lab: one host of two runs each, its result is shown, and the other takes over when it is lost."""

import hashlib
import json
import shutil
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from deployed import BACKENDS, LAB, PROJECT, Fleet, answering, rollcall, wait_for

from rollcall.lab.hosts import by_name

HOSTS = ("app1", "app2")
JOB = "tick-job"


class Jobs:
    """The job `tick` of both app hosts, declared beside a copy of the lab's inventory."""

    def __init__(self, folder: Path) -> None:
        shutil.copy(PROJECT / LAB, folder / "lab.py")
        self.inventory = str(folder / "lab.py")
        (folder / "group_data").mkdir()
        self._file = folder / "group_data" / "backends.py"

    def deploy(self, script: str = "", **more: Any) -> str:
        job = {"name": "tick", "image": "nginx:1.30", "command": ["sh", "-c", script], "stop_timeout": 1}
        job |= {"schedule": "* * * * *", "memory": 32, **more}
        self._file.write_text(f"services = {[job] if script else []!r}\n")
        return rollcall("deploy", self.inventory, "--yes")

    def row(self) -> dict[str, Any]:
        rows = json.loads(rollcall("services", self.inventory, "--json"))
        return next(row for row in rows if row["name"] == "tick")


@pytest.fixture(scope="module")
def jobs(fleet: Fleet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jobs]:
    declared = Jobs(tmp_path_factory.mktemp("jobs"))
    yield declared
    declared.deploy()
    for host in HOSTS:
        left = fleet.on(host, f"docker ps -a --format '{{{{.Names}}}}' | grep -E '^({JOB}|scheduler)$'", check=False)
        assert left == ""
    assert fleet.deploy().changed == set()


def running(fleet: Fleet) -> list[str]:
    command = f"docker inspect --format '{{{{.State.Running}}}}' {JOB} 2>/dev/null"
    return [host for host in HOSTS if fleet.on(host, command, check=False) == "true"]


def test_each_time_is_one_run_and_its_result_is_shown(fleet: Fleet, jobs: Jobs) -> None:
    jobs.deploy("echo ticked; exit 4")
    assert "nothing had to change" in rollcall("deploy", jobs.inventory)
    last = wait_for("a result", lambda: jobs.row()["last"], 90)
    assert (last["outcome"], last["code"], last["host"] in HOSTS) == ("done", 4, True)
    table = rollcall("services", jobs.inventory)
    assert "exit status 4" in table
    lines = rollcall("logs", jobs.inventory, "tick").splitlines()
    assert lines.count(f"{last['host']}/{JOB} | ticked") == len(lines) >= 1
    status = " ".join(rollcall("status", jobs.inventory).split())
    assert "job tick: its last run failed: exit status 4" in status
    metrics = fleet.on(HOSTS[0], "curl -s http://127.0.0.1:8512/metrics")
    assert 'rollcall_job_last_exit_code{job="tick"} 4' in metrics


def test_a_person_runs_it_now_on_a_host(jobs: Jobs) -> None:
    jobs.deploy("echo ticked; exit 0", schedule="17 3 1 1 *")
    said = rollcall("run", jobs.inventory, "tick", "--host", "app2")
    assert "tick: done on app2" in said
    assert "✗" not in rollcall("verify", jobs.inventory)
    assert jobs.row()["next"].endswith("-01-01T03:17:00Z")


def test_a_run_has_its_files_and_its_secrets(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROLLCALL_SECRET_TICK__KEY", secret := str(uuid.uuid4()))
    script = "stat -c '%u %a' $KEY_FILE; md5sum <$KEY_FILE; wc -l </etc/answer.js; id -u"
    files = [{"source": "templates/webserver/answer.js", "target": "/etc/answer.js"}]
    jobs.deploy(script, schedule="17 3 1 1 *", user="101", files=files, secrets=["key"])
    said = rollcall("run", jobs.inventory, "tick")
    assert "tick: done on" in said
    lines = [line.rpartition(" | ")[2] for line in rollcall("logs", jobs.inventory, "tick").splitlines()]
    of_secret = hashlib.md5(secret.encode(), usedforsecurity=False).hexdigest()
    length = len((PROJECT / "templates" / "webserver" / "answer.js").read_text().splitlines())
    assert lines[-4:] == ["101 400", f"{of_secret}  -", str(length), "101"]


def test_an_update_waits_for_the_run(fleet: Fleet, jobs: Jobs) -> None:
    jobs.deploy("sleep 8; echo first", release={"drain_timeout": 60})
    wait_for("a run", lambda: running(fleet), 90)
    jobs.deploy("echo second; sleep 1000", release={"drain_timeout": 60}, schedule="17 3 1 1 *")
    assert wait_for("its result", lambda: jobs.row()["last"], 20)["code"] == 0


@pytest.fixture
def lab_again(fleet: Fleet) -> Iterator[None]:
    yield
    for host in HOSTS:
        subprocess.run(["docker", "start", by_name(host).container], capture_output=True, check=True)
        wait_for(f"SSH of {host}", lambda host=host: fleet.on(host, "docker version", check=False), 60)
    rollcall("deploy", LAB, "--yes")
    wait_for("answer of every backend", lambda: answering() == BACKENDS)


@pytest.mark.usefixtures("lab_again")
def test_another_host_takes_a_lost_hosts_run(fleet: Fleet, jobs: Jobs, says: Callable[[str], None]) -> None:
    jobs.deploy("echo begun; sleep 1000")
    [first] = wait_for("a run", lambda: running(fleet), 90)
    [other] = set(HOSTS) - {first}
    subprocess.run(["docker", "kill", by_name(first).container], capture_output=True, check=True)
    killed = time.monotonic()
    command = f"docker inspect --format '{{{{.State.Running}}}}' {JOB}"
    wait_for("the run on the other host", lambda: fleet.on(other, command) == "true", 180)
    says(f"{time.monotonic() - killed:.0f} s from the loss of {first} to the run on {other}")
    subprocess.run(["docker", "start", by_name(first).container], capture_output=True, check=True)
    wait_for(f"SSH of {first}", lambda: fleet.on(first, "docker version", check=False), 60)
    wait_for("its agent", lambda: fleet.on(first, "curl -s http://127.0.0.1:8512/metrics", check=False), 60)
    row = jobs.row()
    assert (row["running"], row["last"]["outcome"], row["last"]["host"]) == (other, "lost", first)
    assert running(fleet) == [other]
