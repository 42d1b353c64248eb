"""Open connections by instance, from lists of sockets as Linux writes them."""

import ipaddress
import os
import socket
from pathlib import Path

import pytest
from front_catalog import instance
from hypothesis import given
from hypothesis import strategies as st

from rollcall.contract.service_protocol import MARK_PROTOCOL
from rollcall.front.inputs.catalog import Catalog, Instance
from rollcall.front.nginx import open_connections
from rollcall.front.nginx.open_connections import count, server
from rollcall.front.routing.model import Routing, Server, Upstream

OWN = os.geteuid()
HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
DB = instance("db", "db-5432", 5432, address="10.0.0.1")
DRAINED = instance("old", "db-5432", 5432, address="10.0.0.2", state="maintenance")
DNS = instance("dns", "dns-53", 5432, address="10.0.0.1", **{MARK_PROTOCOL: "udp"})
SIX = instance("six", "db-5432", 5432, address="2001:db8::1")
UPSTREAMS = (
    Upstream("db-5432.tcp", (Server(DB, 1), Server(SIX, 1)), ("db-5432",)),
    Upstream("dns-53.udp", (Server(DNS, 1),), ("dns-53",)),
)


def row(remote: str, state: str = "01", uid: int = OWN) -> str:
    return f"  12: 0100007F:A3A9 {remote} {state} 00000000:00000000 00:00000000 00000000 {uid:5d}        0 4 1 0\n"


def counted(folder: Path, **files: list[str]) -> dict[Instance, int]:
    for name, rows in files.items():
        (folder / name).write_text(HEAD + "".join(rows))
    whole = Catalog((DB, DRAINED, DNS, SIX, instance("web", "web-80")))
    found = count(Routing((), (), stream_upstreams=UPSTREAMS), whole, folder)
    assert set(found) == {server(one) for one in (DB, DRAINED, DNS, SIX)}
    return {one: found[server(one)] for one in (DB, DRAINED, DNS, SIX)}


def test_connections_are_counted_by_instance_and_protocol(tmp_path: Path) -> None:
    found = counted(
        tmp_path,
        tcp=[row("0100000A:1538")] * 3 + [row("0200000A:1538"), row("0900000A:1538"), row("0100000A:1539")],
        tcp6=[row("B80D0120000000000000000001000000:1538")],
        # An address that has a TCP service alone.
        udp=[row("0100000A:1538")] * 2 + [row("0200000A:1538")],
        udp6=[],
    )
    assert found == {DB: 3, DRAINED: 1, DNS: 2, SIX: 1}


def test_only_established_connections_of_nginxs_own_user_count(tmp_path: Path) -> None:
    others = [row("0100000A:1538", "06"), row("0100000A:1538", "02"), row("0100000A:1538", uid=OWN + 1)]
    # Its own listening sockets, and clients whose own end looks like an instance's.
    clients = [row("0100000A:1538").replace("0100007F:A3A9 0100000A:1538", "0100000A:1538 0100007F:A3A9")]
    assert counted(tmp_path, tcp=[*others, *clients], udp=[]) == {DB: 0, DRAINED: 0, DNS: 0, SIX: 0}


def test_a_host_without_streams_reads_nothing(tmp_path: Path) -> None:
    (tmp_path / "tcp").mkdir()
    assert count(Routing((), ()), Catalog((DB,)), tmp_path) == {}


@given(st.ip_addresses(), st.integers(1, 65535))
def test_an_address_is_written_as_the_kernel_does(address: ipaddress.IPv4Address, port: int) -> None:
    one = instance("a", address=str(address), port=port)
    remote, _, number = open_connections._written(one.endpoint).partition(":")
    words = [bytes.fromhex(remote[start : start + 8])[::-1] for start in range(0, len(remote), 8)]
    assert (b"".join(words), int(number, 16)) == (address.packed, port)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_this_machines_own_list_is_read(address: str) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.create_server((address, 0), family=family) as listening:
        one = instance("a", "db-5432", listening.getsockname()[1], address=address)
        routing = Routing((), (), stream_upstreams=(Upstream("a", (Server(one, 1),), ("db-5432",)),))
        assert count(routing, Catalog(())) == {server(one): 0}
        with socket.create_connection(listening.getsockname()[:2]):
            assert count(routing, Catalog(())) == {server(one): 1}
