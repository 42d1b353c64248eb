"""Hosts as they are rented: a Docker Engine and SSH, no image, no registry, nothing of Rollcall's."""

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deployed import wait_for

from rollcall.lab import hosts, keys
from rollcall.lab.layout import LABEL, NETWORK, LabHost

OWN_NETWORK = f"{NETWORK}-fresh"
SUBNET = "10.78.0.0/24"
# The lab's engines pull from a registry of the lab; these have nobody to pull from.
DAEMON = '{"storage-driver": "overlay2"}\n'


@dataclass(frozen=True)
class FreshHost:
    name: str
    address: str
    key: Path
    known_hosts: Path

    def run(self, command: str) -> str:
        """Run a line of shell as root over SSH, as the inventory does."""
        options = [f"UserKnownHostsFile={self.known_hosts}", "BatchMode=yes", "LogLevel=ERROR", "ConnectTimeout=5"]
        line = ["ssh", "-F", "none", "-i", str(self.key), *(part for option in options for part in ("-o", option))]
        done = subprocess.run([*line, f"root@{self.address}", command], capture_output=True, text=True, check=False)
        return done.stdout.strip() if done.returncode == 0 else f"exit code {done.returncode}: {done.stderr.strip()}"

    def has_engine(self) -> bool:
        """Tell whether SSH lets us in and the engine responds."""
        return self.run("docker version --format '{{.Server.Os}}'") == "linux"


def engine(*arguments: str, stdin: bytes = b"") -> str:
    """Run docker on the machine that the tests run on."""
    done = subprocess.run(["docker", *arguments], input=stdin, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode().strip()


@contextmanager
def started(addresses: Mapping[str, str], folder: Path) -> Iterator[dict[str, FreshHost]]:
    """Start hosts by their names and addresses (in SUBNET); `folder` gets their keys and known_hosts."""
    (folder / "daemon.json").write_text(DAEMON)
    user_key, host_key = folder / "id_ed25519", folder / "host_ed25519"
    for key in (user_key, host_key):
        keys.generate(key)
    public = " ".join(keys.public(host_key).read_text().split()[:2])
    known = folder / "known_hosts"
    known.write_text("".join(f"{address} {public}\n" for address in addresses.values()))
    lab = [LabHost(f"fresh-{name}", address, 22040 + at) for at, (name, address) in enumerate(addresses.items())]
    try:
        engine("network", "create", f"--label={LABEL}=1", f"--subnet={SUBNET}", OWN_NETWORK)
        for host in lab:
            engine(
                *(
                    part.replace(f"--network={NETWORK}", f"--network={OWN_NETWORK}")
                    for part in hosts.create_arguments(host)
                )
            )
            engine("cp", "-", f"{host.container}:/", stdin=keys.archive(user_key, host_key))
            engine("cp", str(folder / "daemon.json"), f"{host.container}:/etc/docker/daemon.json")
            engine("start", host.container)
        fresh = {name: FreshHost(name, address, user_key, known) for name, address in addresses.items()}
        for one in fresh.values():
            wait_for(f"the engine of {one.name}", one.has_engine, 120)
        yield fresh
    finally:
        for host in lab:
            subprocess.run(["docker", "rm", "--force", "--volumes", host.container], capture_output=True, check=False)
            subprocess.run(["docker", "volume", "rm", "--force", host.volume], capture_output=True, check=False)
        subprocess.run(["docker", "network", "rm", OWN_NETWORK], capture_output=True, check=False)
