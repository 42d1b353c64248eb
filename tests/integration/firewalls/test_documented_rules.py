"""docs/firewalls.md: each of its blocks, run as it stands there, against a real firewall and a real engine."""

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import docker
import firewall_host
import pytest
from firewall_host import FLEET, PUBLISHED, FirewallHost
from image_for_tests import made

from rollcall.config.project import CHECKOUT

TEXT = (CHECKOUT / "docs/firewalls.md").read_text()
# By firewall, the languages and the texts of its blocks, for this fleet's network.
BLOCKS = {
    section.partition("\n")[0]: re.findall(r"```(\w+)\n(.*?)```", section.replace("10.0.0.0/24", FLEET), re.DOTALL)
    for section in TEXT.split("\n## ")[1:]
}
CONTAINERS = {"names", "8500"}
VISITORS = {"22/tcp", "80/tcp", "443/tcp", f"{PUBLISHED}/tcp"}
HOSTS = VISITORS | {"8300/tcp", "8301/tcp", "8301/udp", "8501/tcp", "vrrp"}
SECONDS = 60
NFTABLES = "/etc/nftables.conf"


@dataclass(frozen=True)
class Firewall:
    """How it is switched on as people have it before they read the page, which lets in SSH only."""

    on: str


BARE = "table inet filter { chain input { type filter hook input priority filter; policy drop;\n\
ct state established,related accept; iif lo accept; tcp dport 22 accept; }; }"
FIREWALLS = {
    "ufw": Firewall("ufw allow 22/tcp && ufw --force enable"),
    "nftables": Firewall(f"echo '{BARE}' >{NFTABLES} && systemctl enable --now nftables"),
    "firewalld": Firewall("systemctl start firewalld"),
}


def test_every_block_of_the_page_is_run() -> None:
    assert {name for name, blocks in BLOCKS.items() if blocks} == set(FIREWALLS)
    assert {language for blocks in BLOCKS.values() for language, _ in blocks} == {"sh", "nft"}


@pytest.fixture(params=FIREWALLS)
def firewall(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def host(engine: docker.DockerClient, until, firewall: str) -> Iterator[FirewallHost]:
    with firewall_host.started(made(engine, Path(__file__).parent / "firewall-host"), until) as host:
        yield host


def follow(host: FirewallHost, firewall: str) -> None:
    """Do what the page says."""
    for language, text in BLOCKS[firewall]:
        host.run(f"cat >{NFTABLES} <<'END'\n{text}END" if language == "nft" else text)


def everything(host: FirewallHost) -> dict[str, set[str]]:
    return {
        "default bridge": host.for_containers("bridge"),
        "network of its own": host.for_containers("own"),
        "hosts": host.for_hosts(host.fleet),
        "visitors": host.for_hosts(host.visitors),
    }


def settles(host: FirewallHost, wanted: dict[str, set[str]]) -> None:
    """Wait until exactly this is open: an engine that restarts takes a while."""
    deadline = time.monotonic() + SECONDS
    while (found := everything(host)) != wanted and time.monotonic() < deadline:
        pass
    assert found == wanted


RIGHT = {"default bridge": CONTAINERS, "network of its own": CONTAINERS, "hosts": HOSTS, "visitors": VISITORS}


def test_the_content_of_the_page(host: FirewallHost, firewall: str) -> None:
    open_to_all = {**RIGHT, "visitors": HOSTS}
    settles(host, open_to_all)

    host.run(FIREWALLS[firewall].on)
    # Docker forwards what it publishes past the firewall.
    only = {"22/tcp", f"{PUBLISHED}/tcp"}
    settles(host, {"default bridge": set(), "network of its own": set(), "hosts": only, "visitors": only})

    for _ in range(2):  # the page may be followed again
        follow(host, firewall)
        settles(host, RIGHT)
