"""When an agent may restart, and what is saved before its version changes."""

import json
import os
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from six_hosts import checked

from rollcall.config.fleet import nowhere
from rollcall.converge.docker_query import EngineState
from rollcall.converge.host_state import HostState
from rollcall.deploy import callbacks, host_checks
from rollcall.deploy.consul import consul_upgrade
from rollcall.deploy.consul.consul_upgrade import Fronts, Snapshot, tolerates
from rollcall.deploy.host_checks import check_version
from rollcall.deploy.operations import Turn
from rollcall.deploy.site import Site
from rollcall.errors import RollcallError


def health(tolerance: int, **servers: bool) -> str:
    listed = [{"Name": name, "Healthy": healthy} for name, healthy in servers.items()]
    return json.dumps({"FailureTolerance": tolerance, "Servers": listed})


def test_a_server_restarts_only_while_the_others_keep_the_quorum() -> None:
    whole = health(1, c1=True, c2=True, c3=True)
    assert tolerates(whole, "c1", 3) == ""
    ill = health(0, c1=True, c2=True, c3=False)
    assert tolerates(ill, "c1", 3) == (
        "Consul bears the loss of no server now, since c3 is not healthy; the restart of c1 would cost the quorum"
    )


@pytest.mark.parametrize(
    ("said", "node", "every"),
    [
        (health(0, c1=True, c2=True, c3=False), "c3", 3),
        (health(0, c1=True, c2=True), "c3", 3),
        ("No cluster leader", "c1", 3),
        ("", "c1", 3),
        (health(0, c1=True), "c1", 1),
    ],
)
def test_a_restart_that_costs_nothing_or_is_the_cure_is_made(said: str, node: str, every: int) -> None:
    assert tolerates(said, node, every) == ""


def fronts_say(monkeypatch: pytest.MonkeyPatch, *documents: Any) -> Any:
    """Let the front give these documents in turn; the state of a run with it and another host."""
    left = list(documents)

    def run(_host: Any, _command: str, stdin: str = "") -> tuple[bool, Any]:
        return True, SimpleNamespace(stdout=json.dumps(left.pop(0)))

    monkeypatch.setattr(callbacks, "run", run)
    return SimpleNamespace(active_hosts=[SimpleNamespace(name="app1"), SimpleNamespace(name="front1")])


def test_a_front_that_serves_less_than_before_stops_the_next_restart(monkeypatch: pytest.MonkeyPatch) -> None:
    def problem(kind: str, subject: str) -> dict[str, str]:
        return {"kind": kind, "subject": subject, "text": f"{subject} …"}

    before = {"problems": [problem("unserved", "old.example.com/")]}
    after = {"problems": [*before["problems"], problem("unserved", "shop.example.com/"), problem("short", "servers")]}
    state = fronts_say(monkeypatch, before, after, before, "no document")
    fronts = Fronts(["front1"])
    assert fronts.worse(state) == []
    assert fronts.worse(state) == ["front1: shop.example.com/"]
    assert fronts.worse(state) == []
    assert fronts.worse(state) == []


def test_clients_stop_with_the_servers_and_go_on_with_them() -> None:
    servers = Turn()
    clients = Turn(after=servers)
    servers.stop("consul1 did not come back")
    assert clients.stopped == "consul1 did not come back"
    servers.stop("")
    clients.stop("app1 did not come back")
    assert (servers.stopped, clients.stopped) == ("", "app1 did not come back")


def site(running: str, wanted: str, name: str = "consul1") -> Site:
    fleet = checked(consul={"image": wanted})
    engine = EngineState({"consul": {"Config": {"Image": running}}} if running else {}, {}, {}, {}, frozenset())
    return Site(fleet, fleet.member(name), HostState(engine=engine), {})


def test_only_a_server_that_runs_another_version_is_upgraded() -> None:
    assert site("hashicorp/consul:1.21.0", "hashicorp/consul:1.22.7").consul_upgrade == "1.22.7"
    assert site("hashicorp/consul:1.22.7", "hashicorp/consul:1.22.7").consul_upgrade == ""
    assert site("", "hashicorp/consul:1.22.7").consul_upgrade == ""
    assert site("hashicorp/consul:1.21.0", "hashicorp/consul:1.22.7", "app1").consul_upgrade == ""


def test_a_downgrade_is_refused_before_anything_is_touched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host_checks.this_run, "locate", lambda: nowhere)
    check_version(site("hashicorp/consul:1.21.0", "hashicorp/consul:1.22.7"))
    with pytest.raises(RollcallError, match=r"consul\.image: got 1\.21\.0 for app1, and 1\.22\.7 runs, whose data"):
        check_version(site("hashicorp/consul:1.22.7", "hashicorp/consul:1.21.0", "app1"))


DOCKER = """#!/bin/sh
case "$*" in
  *curl*) cat >"$LOG.header"; [ -z "$BROKEN" ] || exit 22; printf snapshot ;;
  inspect*) echo sha256:abc ;;
  run*) echo "$@" >>"$LOG"; [ "$DAMAGED" ] && { echo "failed to read snapshot" >&2; exit 1; }; exit 0 ;;
esac
"""


def saved(tmp_path: Path, **environment: str) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    """Run the command as the leader's host does, with a Docker that is written down."""
    folder, program = tmp_path / "kept", tmp_path / "docker"
    program.write_text(DOCKER)
    program.chmod(0o755)
    command = Snapshot("1.22.7", {"c1": "10.0.0.1"}, {"c1": str(folder)}, "secret")._command("c1")
    path = f"{tmp_path}:{os.environ['PATH']}"
    own = {"PATH": path, "LOG": str(tmp_path / "log"), "BROKEN": "", "DAMAGED": "", **environment}
    done = subprocess.run(["sh", "-c", command], input="secret\n", capture_output=True, text=True, env=own, check=False)
    return done, sorted(one.name for one in folder.iterdir()) if folder.exists() else []


def test_the_state_is_kept_for_its_owner_alone_and_only_five_times(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    for day in range(1, 8):
        (kept / f"before-1.2{day % 3}.0-2026-01-0{day}T000000Z.snapshot").touch()
    (kept / "consul-2026-01-01T000000Z.snapshot").touch()
    # Of a host that went down in the middle.
    (kept / "before-1.21.0-2026-01-01T000000Z.snapshot.part").touch()
    done, names = saved(tmp_path)
    assert done.returncode == 0, done.stderr
    (own,) = [name for name in names if name.startswith("before-1.22.7-")]
    assert done.stdout.strip() == str(kept / own)
    assert (kept / own).stat().st_mode & 0o777 == 0o600
    assert kept.stat().st_mode & 0o777 == 0o700
    assert names == sorted(
        [own, "consul-2026-01-01T000000Z.snapshot"]
        + [f"before-1.2{day % 3}.0-2026-01-0{day}T000000Z.snapshot" for day in (4, 5, 6, 7)]
    )
    assert (tmp_path / "log.header").read_text() == "X-Consul-Token: secret\n"
    assert "secret" not in (tmp_path / "log").read_text()


@pytest.mark.parametrize("fault", ["BROKEN", "DAMAGED"])
def test_what_is_not_whole_is_not_kept(tmp_path: Path, fault: str) -> None:
    done, names = saved(tmp_path, **{fault: "1"})
    assert (done.returncode != 0, names) == (True, [])


def test_a_run_without_the_leader_saves_nothing_and_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def responses(*_: Any) -> list[Any]:
        return [SimpleNamespace(body='"10.0.0.2:8300"')]

    monkeypatch.setattr(consul_upgrade.agent_requests, "responses", responses)
    here: Any = SimpleNamespace(name="c1", print_prefix="[c1] ")
    state: Any = SimpleNamespace(active_hosts=[here])
    snapshot = Snapshot("1.22.7", {"c1": "10.0.0.1", "c2": "10.0.0.2"}, {}, "secret")
    assert not snapshot(state, here)
