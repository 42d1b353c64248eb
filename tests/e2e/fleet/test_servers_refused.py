"""What a deploy refuses before a host is touched: servers that leave without consent, and hosts that change names."""

from pathlib import Path

from deployed import Fleet, rollcall
from lab_servers import FORMER, ONE, SERVERS, inventory, servers


def test_no_server_leaves_without_consent(fleet: Fleet, tmp_path: Path) -> None:
    said = rollcall("deploy", inventory(tmp_path, f"{ONE}\n{FORMER}"), code=1)
    assert "consul2 leaves consul_servers: this deploy makes its Consul agent a client" in said
    assert "`rollcall deploy --yes`" in said
    assert servers(fleet) == {"consul1", "consul2", "consul3"}


def test_a_live_server_is_not_left_out_of_the_inventory(fleet: Fleet, tmp_path: Path) -> None:
    said = rollcall("deploy", inventory(tmp_path, ONE), code=1)
    assert "consul2 (10.77.0.12), consul3 (10.77.0.13): still Consul servers of this fleet" in said
    assert servers(fleet) == {"consul1", "consul2", "consul3"}


def test_a_host_keeps_its_name(fleet: Fleet, tmp_path: Path) -> None:
    renamed = SERVERS.replace('_hosts["consul2"]', '("consul2", {**_hosts["consul2"][1], "node": "second"})')
    source = inventory(tmp_path, renamed)
    said = rollcall("deploy", source, code=1)
    assert "node: got 'second', but the Consul agent of consul2 runs as 'consul2'" in said
    assert 'keep that name by ("consul2", {"node": "consul2"}); for the new name' in said
    assert f"`rollcall remove {source} --host consul2`, take it out again, and deploy" in said
