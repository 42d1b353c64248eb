"""Real faults, and what a user of the site and of the catalog sees of them."""

import subprocess

from deployed import BACKENDS, LAB, Fleet, answering, healthy, rollcall, wait_for
from visitor import Visitor


def machine(*arguments: str) -> None:
    """Do something to a whole host, from outside."""
    subprocess.run(["docker", *arguments], check=True, capture_output=True)


def leader(fleet: Fleet) -> str:
    """Give the host name of Consul's leader, "" while there is none."""
    address = str(fleet.consul("/v1/status/leader")).split(":")[0]
    by_address = {str(host.data["address"]): name for name, host in fleet.hosts.items()}
    return by_address.get(address, "")


def test_consul_leader_killed(fleet: Fleet) -> None:
    old = leader(fleet)
    with Visitor() as visitor:
        fleet.on(old, "docker kill consul")
        new = wait_for("new leader", lambda: leader(fleet) not in ("", old) and leader(fleet), 15)
        fleet.on("app2", "docker rm -f nginx-1")
        wait_for("death in the catalog of the new leader", lambda: "app2/nginx-1" not in answering(30))
        fleet.on(old, "docker start consul")
        wait_for("healthy quorum of three", lambda: healthy(fleet), 60)
    assert new != old
    assert visitor.failed == []
    rollcall("deploy", LAB)
    wait_for("answer of every backend", lambda: answering() == BACKENDS)


def test_a_whole_host_stopped_and_started(fleet: Fleet) -> None:
    with Visitor() as visitor:
        machine("stop", "--time", "60", "rollcall-lab-app1")
        wait_for("front without app1", lambda: not any(one.startswith("app1/") for one in answering(30)))
        machine("start", "rollcall-lab-app1")
        wait_for("answer of every backend", lambda: answering() == BACKENDS, 90)
    assert visitor.failed == []
    assert fleet.deploy().changed == set()


def test_a_host_that_loses_power(fleet: Fleet) -> None:
    with Visitor() as visitor:
        machine("kill", "rollcall-lab-app2")
        wait_for("front without app2", lambda: not any(one.startswith("app2/") for one in answering(30)), 60)
        machine("start", "rollcall-lab-app2")
        wait_for("answer of every backend", lambda: answering() == BACKENDS, 90)
    assert visitor.failed == []
    assert fleet.deploy().changed == set()


# What is for a container's published port is forwarded, so neither comes in nor goes out of the host itself.
CUT = " && ".join(f"iptables {{0}} {rule} -j DROP" for rule in ("INPUT -i eth0", "OUTPUT -o eth0", "FORWARD -i eth0"))


def test_a_network_that_is_cut(fleet: Fleet) -> None:
    """Nothing is refused and nothing answers: only the Consul servers can tell that the host is gone."""

    def without_app1() -> bool:
        try:
            return not any(one.startswith("app1/") for one in answering(30))
        except OSError:  # a request on its way to app1 waits for an answer that nobody will give
            return False

    machine("exec", "rollcall-lab-app1", "sh", "-c", CUT.format("-I"))
    try:
        wait_for("front without app1", without_app1, 60)
        with Visitor() as visitor:
            wait_for("hundred answers without app1", lambda: len(visitor.answers) > 100)
        assert visitor.failed == []
    finally:
        machine("exec", "rollcall-lab-app1", "sh", "-c", CUT.format("-D"))
    wait_for("answer of every backend", lambda: answering() == BACKENDS, 90)


def test_every_part_that_crashes_comes_back(fleet: Fleet) -> None:
    for process in ("consul agent", "bin/registrator", "dnsmasq"):
        before = fleet.on("app1", f"pgrep -f '{process}' | head -n 1")
        fleet.on("app1", f"pkill -9 -f '{process}'")

        def back(process: str = process, before: str = before) -> bool:
            now = fleet.on("app1", f"pgrep -f '{process}' | head -n 1", check=False)
            return now not in ("", before)

        wait_for(f"new {process}", back)
    fleet.on("app1", "docker restart webserver-1")
    wait_for("answer of every backend", lambda: answering() == BACKENDS, 60)
    wait_for("name in DNS", lambda: fleet.on("app1", "getent hosts nginx-80.service.consul", check=False))
