"""A server leaves while the remaining ones are ready, and has left only when they no longer list it."""

import json
from collections.abc import Callable
from typing import Any
from unittest.mock import MagicMock

import pytest
from pyinfra.connectors.util import CommandOutput, OutputLine

from rollcall import sections
from rollcall.consul.leaving import DISABLE_RESTART, IS_RUNNING
from rollcall.deploy import callbacks
from rollcall.deploy.consul.server_leave import ServerLeaves

MANAGEMENT = "open sesame"


class Cluster:
    """Responses of the hosts c1, which stays, and c2, which leaves."""

    def __init__(self, servers: list[str], *, running: bool = True, status: int = 200, leaves: bool = True) -> None:
        self.servers = servers
        self.running = running
        self.status = status
        self.leaves = leaves
        self.ran: list[tuple[str, str]] = []

    def run(self, host: Any, command: str, stdin: str = "") -> tuple[bool, CommandOutput]:
        self.ran.append((host.name, path_of(stdin) if stdin else command))
        if "autopilot" in command:
            return self.said(json.dumps({"Servers": [server(name) for name in self.servers]}))
        self.running = self.running and "docker stop" not in command
        if command == IS_RUNNING:
            return self.said(str(self.running).lower())
        if stdin:
            assert MANAGEMENT not in command
            if self.leaves:
                self.servers.remove("c2")
            return self.said("", f"{sections.MARKER} {self.status}")
        return self.said("")

    def said(self, *lines: str) -> tuple[bool, CommandOutput]:
        return True, CommandOutput([OutputLine("stdout", line) for line in lines])

    @property
    def asked(self) -> list[tuple[str, str]]:
        return [(name, what) for name, what in self.ran if what.startswith("/v1/agent") or what == DISABLE_RESTART]


def server(name: str) -> dict[str, Any]:
    return {"Name": name, "Healthy": True, "Voter": True, "Leader": name == "c1", "SerfStatus": "alive"}


def path_of(configuration: str) -> str:
    return "/" + configuration.splitlines()[0].split("8500/")[1].rstrip('"')


Leave = Callable[..., bool]


@pytest.fixture
def leave(monkeypatch: pytest.MonkeyPatch) -> Leave:
    def of(cluster: Cluster, *, alone: bool = False, is_cut_off: bool = False) -> bool:
        monkeypatch.setattr(callbacks, "run", cluster.run)
        state = MagicMock()
        c1, c2 = MagicMock(print_prefix="[c1] "), MagicMock(print_prefix="[c2] ")
        c1.name, c2.name = "c1", "c2"
        state.active_hosts = [c2, c1]
        remaining = {} if alone else {"c1": "c1"}
        return ServerLeaves("c2", remaining, 0.5, MANAGEMENT, is_cut_off=is_cut_off)(state, c2)

    return of


def test_it_leaves_by_its_own_agent_which_docker_does_not_start_again(leave: Leave) -> None:
    cluster = Cluster(["c1", "c2"])
    assert leave(cluster)
    assert cluster.asked == [("c2", DISABLE_RESTART), ("c2", "/v1/agent/leave")]


def test_a_server_that_has_left_gets_no_second_request(leave: Leave) -> None:
    cluster = Cluster(["c1"])
    assert leave(cluster)
    assert cluster.asked == []


def test_the_remaining_servers_remove_a_stopped_one(leave: Leave) -> None:
    cluster = Cluster(["c1", "c2"], running=False)
    assert leave(cluster)
    assert cluster.asked == [("c1", "/v1/agent/force-leave/c2")]


def test_no_server_leaves_while_the_others_are_not_ready(leave: Leave) -> None:
    cluster = Cluster(["c2"])
    assert not leave(cluster)
    assert cluster.asked == []


def test_a_response_alone_does_not_prove_that_a_server_left(leave: Leave) -> None:
    assert not leave(Cluster(["c1", "c2"], leaves=False))
    assert not leave(Cluster(["c1", "c2"], status=403, leaves=False))


def test_the_others_remove_one_that_no_longer_reaches_them(leave: Leave) -> None:
    cluster = Cluster(["c1", "c2"])
    assert leave(cluster, is_cut_off=True)
    assert ("c2", f"{DISABLE_RESTART}; docker stop consul") in cluster.ran
    assert cluster.asked == [("c1", "/v1/agent/force-leave/c2")]


def test_the_only_server_leaves_gossip_alone(leave: Leave) -> None:
    cluster = Cluster(["c2"], leaves=False)
    assert leave(cluster, alone=True)
    assert cluster.asked == [("c2", DISABLE_RESTART), ("c2", "/v1/agent/leave")]


def test_the_token_is_not_shown() -> None:
    assert MANAGEMENT not in repr(ServerLeaves("c2", {}, 1, MANAGEMENT))
