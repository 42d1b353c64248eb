"""The road of the README and docs/images.md to rented machines: hosts that have nothing, and images built for them."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from deployed import PROJECT
from fresh_hosts import FreshHost, engine, started

ROLLCALL = str(Path(sys.executable).with_name("rollcall"))
EXAMPLE = PROJECT / "inventories" / "production.example.py"
INVENTORY = "inventories/production.py"
ADDRESSES = {
    **{f"consul{n}": f"10.78.0.1{n}" for n in (1, 2, 3)},
    **{f"app{n}": f"10.78.0.2{n}" for n in (1, 2)},
    "front1": "10.78.0.31",
}

# What a deploy says of a pushed image.
SENT = r"rollcall/dns:0.1.0: sent [0-9.]+ MB(, compressed to [0-9.]+ MB,)? in [0-9.]+"


def rollcall(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([ROLLCALL, *arguments], cwd=project, capture_output=True, text=True, check=False)


def works(project: Path, *arguments: str) -> str:
    done = rollcall(project, *arguments)
    assert done.returncode == 0, f"{arguments}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
    return done.stdout + done.stderr


def inventory(hosts: dict[str, FreshHost]) -> str:
    """Put these hosts into the example, as a user does; no public registry is reached here, so all is pushed."""
    text = EXAMPLE.read_text()
    for name, host in hosts.items():
        text = text.replace(f'"{name}.example.net"', f'"{host.address}"')
        text = re.sub(rf'("{name}", .*"address": ")[0-9.]+"', rf'\g<1>{host.address}"', text)
    one = next(iter(hosts.values()))
    ssh = f'"ssh_key": "{one.key}", "ssh_known_hosts_file": "{one.known_hosts}", "image_source": "push",'
    return text.replace('"ssh_key": "~/.ssh/id_ed25519",', ssh)


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, FreshHost]]:
    works(PROJECT, "lab", "images", "--for-demo")
    with started(ADDRESSES, tmp_path_factory.mktemp("hosts")) as fresh:
        yield fresh
    works(PROJECT, "lab", "images", "--remove-demo")


@pytest.fixture(scope="module")
def project(hosts: dict[str, FreshHost], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("user")
    works(folder, "init", "shop-fleet")
    (folder / "shop-fleet" / INVENTORY).write_text(inventory(hosts))
    return folder / "shop-fleet"


def test_without_images_a_deploy_names_the_build_command_and_changes_nothing(
    project: Path, hosts: dict[str, FreshHost]
) -> None:
    for one in json.loads(works(project, "images", "list", "--json")):
        if one["state"] != "missing":
            engine("rmi", one["reference"])
    done = rollcall(project, "deploy", INVENTORY)
    assert done.returncode == 1
    assert "does not have" in done.stdout + done.stderr
    assert "run `rollcall images build" in done.stdout + done.stderr
    assert all(host.run("ls -d /etc/rollcall 2>/dev/null || echo none") == "none" for host in hosts.values())


def test_the_documented_command_builds_every_image(project: Path) -> None:
    works(project, "images", "build")
    assert {one["state"] for one in json.loads(works(project, "images", "list", "--json"))} == {"current"}


def test_a_dry_run_names_every_image_of_every_host_and_makes_nothing(
    project: Path, hosts: dict[str, FreshHost]
) -> None:
    said = works(project, "deploy", INVENTORY, "--dry")
    for name in hosts:
        for image in ("hashicorp/consul", "nginx", "rollcall/registrator", "rollcall/dns"):
            assert re.search(rf"\[{name}\] +push image {image}:", said), f"{name}: {image}"
    assert re.search(r"\[front1\] +push image rollcall/front:", said)
    assert said.count("make the fleet's secrets in") == 1
    assert not (project / ".secrets").exists()
    for host in hosts.values():
        assert host.run("docker image ls -q; ls -d /etc/rollcall 2>/dev/null; true") == ""


def test_the_first_deploy_works_and_the_second_has_nothing_to_do(project: Path) -> None:
    works(project, "deploy", INVENTORY)
    assert "push image" not in works(project, "deploy", INVENTORY)
    works(project, "verify", INVENTORY)


def test_an_image_that_shares_layers_is_sent_without_them(project: Path, hosts: dict[str, FreshHost]) -> None:
    host = hosts["app2"]
    host.run("docker rm -f dns; docker rmi rollcall/dns:0.1.0")
    said = works(project, "deploy", INVENTORY, "--limit", "app2")
    assert re.search(rf"{SENT} s; the host had the other [0-9.]+ MB", said), said


# An engine that cannot use the port: no port is forwarded, or the host's own rules refuse it to root's programs.
HINDRANCES = {
    "no forwarding": (
        "echo 'AllowTcpForwarding no' > /etc/ssh/sshd_config.d/a.conf && systemctl reload ssh",
        "rm /etc/ssh/sshd_config.d/a.conf && systemctl reload ssh",
    ),
    "port out of reach": (
        "iptables -I OUTPUT -o lo -p tcp --dport 20000:32767 -j REJECT",
        "iptables -D OUTPUT -o lo -p tcp --dport 20000:32767 -j REJECT",
    ),
}


@pytest.mark.parametrize("hindrance", HINDRANCES)
def test_a_host_whose_engine_reaches_no_registry_gets_the_whole_image(
    project: Path, hosts: dict[str, FreshHost], hindrance: str
) -> None:
    host = hosts["app1"]
    begin, end = HINDRANCES[hindrance]
    host.run(f"docker rm -f dns; docker rmi rollcall/dns:0.1.0; {begin}")
    said = works(project, "deploy", INVENTORY, "--limit", "app1")
    host.run(end)
    assert re.search(rf"{SENT} s\n", said), said
    assert host.run("docker ps -q --filter name=dns")


def test_a_removal_reports_the_images_that_stay_or_removes_them(project: Path, hosts: dict[str, FreshHost]) -> None:
    said = works(project, "remove", "--yes", INVENTORY)
    assert re.search(r"\[front1\] +left: image hashicorp/consul:", said), said
    works(project, "remove", "--yes", "--images", INVENTORY)
    for host in hosts.values():
        assert host.run("docker image ls -q; docker ps -aq; ls -d /etc/rollcall 2>/dev/null; true") == ""
