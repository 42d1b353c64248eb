"""Consul's servers and hosts, as the front's token may see them."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from rollcall.front.inputs.catalog import Catalog, Instance
from rollcall.front.inputs.cluster import HOSTS, LEADER, PEERS, Cluster, look, read

CHECKS = [
    {"Node": "app1", "CheckID": "serfHealth", "Status": "passing"},
    {"Node": "app2", "CheckID": "serfHealth", "Status": "critical"},
]
BODIES = {LEADER: '"10.77.0.11:8300"', PEERS: '["10.77.0.11:8300", "10.77.0.12:8300"]', HOSTS: json.dumps(CHECKS)}
SEEN = Cluster("10.77.0.11:8300", frozenset({"10.77.0.11:8300", "10.77.0.12:8300"}), {"app1": True, "app2": False})


def server(number: int, **meta: str) -> Instance:
    return Instance("consul", "consul", f"consul{number}", f"10.77.0.1{number}", 8300, meta=tuple(meta.items()))


def test_three_responses_are_the_cluster() -> None:
    assert read(*BODIES.values()) == SEEN


def test_a_server_leads_votes_or_does_neither() -> None:
    first, second, third = (server(number) for number in (1, 2, 3))
    assert [SEEN.leads(one) for one in (first, second, third)] == [True, False, False]
    assert [SEEN.votes(one) for one in (first, second, third)] == [True, True, False]
    assert not SEEN.votes(server(2, read_replica="true"))
    assert SEEN.leader_of(Catalog((second, first))) == "consul1"
    assert Cluster().leader_of(Catalog((first,))) == ""


@pytest.mark.parametrize("body", ["", "{", "7", '{"a": 1}', '[{"Node": "app1"}]', "[1]", '["x"]'])
def test_other_responses_are_no_cluster(body: str) -> None:
    with pytest.raises(ValueError):
        read(*list(BODIES.values())[:2], body)


@asynccontextmanager
async def agent(bodies: dict[str, str], status: str = "200 OK") -> AsyncIterator[str]:
    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        assert "X-Consul-Token: secret" in head
        writer.write(f"HTTP/1.0 {status}\r\n\r\n{bodies[head.split()[1]]}".encode())
        writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    async with server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


def looked(tmp_path: Path, bodies: dict[str, str], status: str = "200 OK") -> Cluster | None:
    (tmp_path / "token").write_text("secret\n")

    async def run() -> Cluster | None:
        async with agent(bodies, status) as address:
            return await look(address, tmp_path / "token")

    return asyncio.run(run())


def test_an_agent_is_asked_for_all_three(tmp_path: Path) -> None:
    assert looked(tmp_path, BODIES) == SEEN


def test_a_large_fleet_is_read_whole(tmp_path: Path) -> None:
    many = json.dumps([{"Node": f"app{number}", "Status": "passing", "Notes": "x" * 400} for number in range(2000)])
    found = looked(tmp_path, BODIES | {HOSTS: many})
    assert found is not None and len(found.hosts) == 2000


@pytest.mark.parametrize(("status", "body"), [("403 Forbidden", "no"), ("500 Error", "no leader"), ("200 OK", "no")])
def test_a_refusal_is_no_cluster(tmp_path: Path, status: str, body: str) -> None:
    assert looked(tmp_path, dict.fromkeys(BODIES, body), status) is None


def test_an_agent_that_is_not_there_is_no_cluster(tmp_path: Path) -> None:
    assert asyncio.run(look("127.0.0.1:1", tmp_path / "token")) is None
