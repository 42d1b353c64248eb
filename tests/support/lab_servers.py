"""The lab's inventory with other hosts in its groups, which servers the cluster has, and a host that dies."""

import subprocess
from pathlib import Path

from deployed import LAB, PROJECT, Fleet, wait_for

from rollcall.lab.hosts import by_name

SERVERS = 'consul_servers = [_hosts["consul1"], _hosts["consul2"], _hosts["consul3"]]'
ONE = 'consul_servers = [_hosts["consul1"]]'
BACKENDS = 'backends = [_hosts["app1"], _hosts["app2"]]'
FORMER = 'x_former = [_hosts["consul2"], _hosts["consul3"]]'


def inventory(folder: Path, changed: str, group: str = SERVERS) -> str:
    """Write the lab's inventory with a group changed; by the same file name, it has the lab's secrets."""
    text = (PROJECT / LAB).read_text()
    assert group in text
    (folder / "lab.py").write_text(text.replace(group, changed))
    return str(folder / "lab.py")


def servers(fleet: Fleet) -> set[str]:
    """Return the node names of raft's servers."""
    found = fleet.consul("/v1/operator/raft/configuration")
    return {server["Node"] for server in found["Servers"]} if found else set()


def without_app2(folder: Path) -> str:
    return inventory(folder, 'backends = [_hosts["app1"]]', BACKENDS)


def led_by(fleet: Fleet) -> str:
    """Return the name of the host whose server leads."""
    address = str(fleet.consul("/v1/status/leader")).partition(":")[0]
    return next(member.name for member in fleet.declared.servers if member.address == address)


def agents(fleet: Fleet) -> dict[str, int]:
    """Return the status of every agent that gossip knows: 1 is alive, 4 failed."""
    return {one["Name"]: one["Status"] for one in fleet.consul("/v1/agent/members", "app1") or ()}


def die(fleet: Fleet, host: str) -> None:
    """Cut a host's power, and wait until the others have noticed."""
    subprocess.run(["docker", "kill", by_name(host).container], capture_output=True, check=True)
    wait_for(f"{host} as failed", lambda: agents(fleet).get(host) == 4, 60)


def start(fleet: Fleet, host: str) -> None:
    """Give a host its power back, if it has none."""
    subprocess.run(["docker", "start", by_name(host).container], capture_output=True, check=True)
    wait_for(f"SSH of {host}", lambda: fleet.on(host, "docker version", check=False), 60)
