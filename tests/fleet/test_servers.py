"""A change on all Consul servers: replaced one at a time, each waiting for the one before."""

import shutil
from datetime import datetime
from pathlib import Path

from deployed import LAB, PROJECT, Fleet, rollcall
from test_faults import Visitor, healthy

SERVERS = ("consul1", "consul2", "consul3")


def started(fleet: Fleet, server: str) -> datetime:
    return datetime.fromisoformat(fleet.on(server, "docker inspect consul --format '{{.State.StartedAt}}'"))


def test_the_quorum_holds_while_every_server_is_replaced(fleet: Fleet, tmp_path: Path) -> None:
    shutil.copy(PROJECT / LAB, tmp_path / "lab.py")
    (tmp_path / "group_data").mkdir()
    setting = tmp_path / "group_data" / "consul_servers.py"
    setting.write_text('consul_server = {"extra": {"log_level": "INFO"}}\n')
    clients = {host: fleet.containers(host)["consul"] for host in ("app1", "app2", "front1")}
    with Visitor() as visitor:
        said = rollcall("deploy", str(tmp_path / "lab.py"))
    assert said.index("Consul is ready after consul1") < said.index("Consul server consul2")
    times = [started(fleet, server) for server in SERVERS]
    assert times == sorted(times)
    assert visitor.failed == []
    assert healthy(fleet)
    assert {host: fleet.containers(host)["consul"] for host in clients} == clients
    rollcall("deploy", LAB)
    assert fleet.deploy().acted == set()
