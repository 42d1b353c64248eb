"""The lab's inventory with other Consul servers, and which servers the cluster has."""

from pathlib import Path

from deployed import LAB, PROJECT, Fleet

SERVERS = 'consul_servers = [_hosts["consul1"], _hosts["consul2"], _hosts["consul3"]]'
ONE = 'consul_servers = [_hosts["consul1"]]'
FORMER = 'x_former = [_hosts["consul2"], _hosts["consul3"]]'


def inventory(folder: Path, servers: str) -> str:
    """Write the lab's inventory with other servers; by the same file name, it has the lab's secrets."""
    text = (PROJECT / LAB).read_text()
    assert SERVERS in text
    (folder / "lab.py").write_text(text.replace(SERVERS, servers))
    return str(folder / "lab.py")


def servers(fleet: Fleet) -> set[str]:
    """Return the node names of raft's servers."""
    found = fleet.consul("/v1/operator/raft/configuration")
    return {server["Node"] for server in found["Servers"]} if found else set()


def led_by(fleet: Fleet) -> str:
    """Return the name of the host whose server leads."""
    address = str(fleet.consul("/v1/status/leader")).partition(":")[0]
    return next(member.name for member in fleet.declared.servers if member.address == address)
