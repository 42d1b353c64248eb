"""Which servers a fleet is recovered from, and when it is refused."""

import json
from typing import Any

import pytest

from rollcall.errors import RollcallError
from rollcall.hosts.recovery import Peer, Server, plan, server

THREE = tuple(Peer(f"id{number}", f"c{number}", f"10.0.0.{number}") for number in (1, 2, 3))


def one(number: int, *, index: int = 9, peers: tuple[Peer, ...] = THREE, alive: str = "", leader: str = "") -> Server:
    heard = frozenset(alive.split())
    return Server(f"c{number}", f"id{number}", f"10.0.0.{number}", peers, heard, index, leader)


def test_the_last_of_three_becomes_the_whole_cluster() -> None:
    found = plan([one(1)], {"c2": "ssh failed"}, "p.py")
    assert found is not None
    assert [peer.node for peer in found.gone] == ["c2", "c3"]
    assert json.loads(found.peers_file) == [{"id": "id1", "address": "10.0.0.1:8300", "non_voter": False}]
    lost, never = found.warnings
    assert lost.startswith("2 of 3 Consul servers are gone: c2, c3.")
    assert "c1 knows everything up to index 9" in lost
    assert "c2, c3 must never start again with the data of before" in never


def test_servers_that_came_back_empty_are_gone_though_they_respond() -> None:
    """Under the same name, with another id: one knows no peers, the other only itself."""
    empty = Server("c2", "new2", "10.0.0.2", (), frozenset(), 0)
    itself = Server("c3", "new3", "10.0.0.3", (Peer("new3", "c3", "10.0.0.3"),), frozenset(), 2)
    found = plan([one(1, alive="id1 new2 new3"), empty, itself], {}, "p.py")
    assert found is not None
    assert [server.name for server in found.survivors] == ["c1"]
    assert [peer.node for peer in found.gone] == ["c2", "c3"]


def test_the_latest_configuration_counts() -> None:
    """c4 and c5 joined when c2 was cut off already."""
    five = tuple(Peer(f"id{number}", f"c{number}", f"10.0.0.{number}") for number in range(1, 6))
    both = plan([one(2, index=5, peers=THREE), one(1, index=20, peers=five)], {}, "p.py")
    assert both is not None
    assert [server.name for server in both.survivors] == ["c2", "c1"]
    assert [peer.node for peer in both.gone] == ["c3", "c4", "c5"]


def test_with_a_leader_there_is_nothing_to_recover() -> None:
    assert plan([one(1), one(2, leader="10.0.0.2:8300")], {}, "p.py") is None


def test_enough_servers_elect_a_leader_by_themselves() -> None:
    with pytest.raises(RollcallError, match="2 of 3 Consul servers have their data and elect a leader"):
        plan([one(1), one(2)], {"c3": "x"}, "p.py")


def test_a_server_that_only_this_machine_cannot_reach_is_no_lost_one() -> None:
    with pytest.raises(RollcallError, match="c3 is alive in gossip and may lead a second cluster"):
        plan([one(1, alive="id1 id3")], {"c3": "ssh failed"}, "p.py")


def test_without_data_only_a_backup_helps() -> None:
    with pytest.raises(RollcallError, match=r"no Consul server has data left \(c1: ssh failed\).*restore p\.py FILE"):
        plan([], {"c1": "ssh failed"}, "p.py")


@pytest.mark.parametrize("leader", ["", "10.0.0.1:8300"])
def test_a_server_is_read_from_its_own_agent(leader: str) -> None:
    """As Consul 1.22 prints raft's statistics; c3 is in no inventory any more."""
    text = "[{Suffrage:Voter ID:id1 Address:10.0.0.1:8300} {Suffrage:Nonvoter ID:id3 Address:10.0.0.3:8300}]"
    agent = {
        "Config": {"NodeID": "id1"},
        "Stats": {"raft": {"last_log_index": "77", "latest_configuration": text}, "consul": {"leader_addr": leader}},
    }
    members: list[dict[str, Any]] = [
        {"Name": "c1", "Status": 1, "Tags": {"id": "id1"}},
        {"Name": "c2", "Status": 4, "Tags": {"id": "id2"}},
    ]
    peers = (THREE[0], Peer("id3", "10.0.0.3", "10.0.0.3"))
    read = server("consul1", "10.0.0.1", agent, members, {"10.0.0.1": "c1"})
    assert read == Server("consul1", "id1", "10.0.0.1", peers, frozenset({"id1"}), 77, leader)
    del agent["Stats"]["raft"]["latest_configuration"]
    assert server("consul1", "10.0.0.1", agent, [], {}).peers == ()
