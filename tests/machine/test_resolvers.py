"""systemd-resolved as people have it: Consul's names and all others, on a real machine and in its containers."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from machine_user import User

from rollcall.lab.machines.machine import ADDRESS

CONSUL = "consul.service.consul"
# What the upstream answers for every name but Consul's.
ANSWER = "192.0.2.77"
UPSTREAM = (Path(__file__).parent / "upstream.py").read_text()
NETWORK = "/etc/systemd/network/80-dhcp.network"
GLOBAL = "/etc/systemd/resolved.conf.d/50-people.conf"
BRIDGE = "172.17.0.1"


def names(user: User) -> None:
    """See that every name is found, by libc, by resolved itself, and in a container."""
    for line in (
        f"getent hosts {CONSUL}",
        f"resolvectl query {CONSUL}",
        f"docker exec webserver-1 getent hosts {CONSUL}",
        f"getent ahostsv4 www.example.com | grep {ANSWER}",
        f"docker exec webserver-1 getent ahostsv4 www.example.com | grep {ANSWER}",
    ):
        user.machine.wait_for(line)


@pytest.fixture(scope="module", autouse=True)
def upstream(user: User) -> Iterator[None]:
    """A server of the user's own, and a network that names none."""
    machine = user.machine
    machine.run(f"cat >/root/upstream.py <<'END'\n{UPSTREAM}\nEND")
    machine.run(f"systemd-run --unit=upstream python3 /root/upstream.py {ADDRESS} {ANSWER}")
    machine.run(f"printf '[DHCPv4]\\nUseDNS=no\\n' >>{NETWORK}; networkctl reload; networkctl reconfigure eth0")
    user.logs_in_as("root")
    yield
    user.rollcall("remove", "--yes")


@pytest.mark.parametrize("mode", ["stub-resolv.conf", "resolv.conf"])
def test_servers_that_are_set_globally(user: User, mode: str) -> None:
    machine = user.machine
    machine.run(f"ln -sf ../run/systemd/resolve/{mode} /etc/resolv.conf")
    machine.run(f"mkdir -p {GLOBAL.rpartition('/')[0]}; printf '[Resolve]\\nDNS={ADDRESS}\\n' >{GLOBAL}")
    machine.run("systemctl restart systemd-resolved")
    machine.wait_for(f"getent ahostsv4 www.example.com | grep {ANSWER}")
    user.rollcall("deploy")
    names(user)
    kept = machine.run("cat /etc/rollcall/dns/upstream.conf")
    assert f"nameserver {ADDRESS}" in kept
    # What resolved shows of them now must not become what is remembered.
    user.rollcall("deploy")
    assert machine.run("cat /etc/rollcall/dns/upstream.conf") == kept
    machine.run("systemctl restart systemd-resolved")
    names(user)
    assert "✗" not in user.rollcall("verify")


def test_consuls_names_stay_here_while_dockers_bridge_is_down(user: User) -> None:
    machine = user.machine
    machine.run("systemctl disable docker.service docker.socket")
    machine.reboot()
    assert not machine.has(f"ip address show | grep -F {BRIDGE}")

    def left() -> int:
        """Count the packets for the bridge's address that leave the machine while a name is asked for."""
        rule = f"OUTPUT ! -o lo -d {BRIDGE} -p udp --dport 53"
        machine.run(f"iptables -I {rule}")
        machine.has(f"timeout 20 getent hosts {CONSUL}")
        counted = machine.run("iptables -nvxL OUTPUT | awk 'NR == 3 { print $1 }'")
        machine.run(f"iptables -D {rule}")
        return int(counted)

    assert left() == 0
    machine.run("systemctl stop rollcall-dns-route")
    assert left() > 0  # so the count sees what would leave
    machine.run("systemctl start rollcall-dns-route; systemctl enable --now docker.service")
    machine.wait_for(f"getent hosts {CONSUL}")
