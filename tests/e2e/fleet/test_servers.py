"""A change on all Consul servers: replaced one at a time, each waiting for the one before."""

import shutil
import socket
import threading
from pathlib import Path

import pytest
from deployed import LAB, PROJECT, Fleet, healthy, rollcall
from visitor import Visitor

SERVERS = ("consul1", "consul2", "consul3")
RPC = 8300


class Census:
    """Counts, again and again, the servers that listen."""

    def __init__(self, addresses: list[str]) -> None:
        self.counts: list[int] = []
        self._addresses = addresses
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._count)

    def _count(self) -> None:
        while not self._end.wait(0.05):
            self.counts.append(sum(map(self._listens, self._addresses)))

    def _listens(self, address: str) -> bool:
        try:
            socket.create_connection((address, RPC), timeout=1).close()
        except OSError:
            return False
        return True

    def __enter__(self) -> "Census":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()


@pytest.mark.long
def test_the_quorum_holds_while_every_server_is_replaced(fleet: Fleet, tmp_path: Path) -> None:
    shutil.copy(PROJECT / LAB, tmp_path / "lab.py")
    (tmp_path / "group_data").mkdir()
    setting = tmp_path / "group_data" / "consul_servers.py"
    setting.write_text('consul_server = {"extra": {"log_level": "INFO"}}\n')
    before = {host: fleet.containers(host)["consul"] for host in fleet.hosts}
    with Visitor() as visitor, Census([str(fleet.hosts[server].data["address"]) for server in SERVERS]) as census:
        rollcall("deploy", str(tmp_path / "lab.py"))
    after = {host: fleet.containers(host)["consul"] for host in fleet.hosts}
    assert {host for host in before if before[host] != after[host]} == set(SERVERS)
    assert min(census.counts) == 2, "fewer than two servers at a time are no quorum, and three are no replacement"
    assert visitor.failed == []
    assert healthy(fleet)
    rollcall("deploy", LAB)
    assert fleet.deploy().changed == set()
