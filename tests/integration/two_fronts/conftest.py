"""Two hosts with one address in common, on a network of the test's own: keepalived beside something that serves."""

from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
from docker.models.networks import Network
from docker.types import IPAMConfig, IPAMPool
from shared_address import LABELS, SUBNET, Host, Pair, keepalived_host
from waiting import until


@pytest.fixture
def network(engine: docker.DockerClient) -> Iterator[Network]:
    addresses = IPAMConfig(pool_configs=[IPAMPool(subnet=SUBNET)])
    made = engine.networks.create("rollcall-test-two-fronts", driver="bridge", ipam=addresses, labels=LABELS)
    yield made
    made.remove()


@pytest.fixture
def pair(engine: docker.DockerClient, network: Network, tmp_path: Path) -> Iterator[Pair]:
    """Both serve, and the first has the address."""
    hosts: list[Host] = []
    try:
        hosts.append(keepalived_host(engine, network, "front1", tmp_path / "front1"))
        until(lambda: hosts[0].has_the_address, "the shared address at the first", 20)
        hosts.append(keepalived_host(engine, network, "front2", tmp_path / "front2"))
        until(lambda: "Entering BACKUP STATE" in hosts[1].log, "the second ready to take it", 20)
        yield Pair(*hosts)
    finally:
        for host in hosts:
            host.remove()
