"""The real lab, as who uses it sees it."""

import json
import subprocess
import time
from pathlib import Path

import pytest
from lab_command import ENGINES, Rollcall, containers

from rollcall.lab.catalogue import IMAGES
from rollcall.lab.hosts import engines_of
from rollcall.lab.layout import DOCKER_VERSION, HOSTS, REGISTRY_PORT

# What each engine calls itself.
VERSIONS = {"20.10": "20.10.", "26.1": "26.1.", "28.5": "28.5.", "newest": DOCKER_VERSION}

pytestmark = pytest.mark.usefixtures("lab")


def started() -> dict[str, str]:
    return {container["Name"].lstrip("/"): container["State"]["StartedAt"] for container in containers()}


def on(rollcall: Rollcall, host: str, command: str) -> str:
    done = rollcall("lab", "ssh", host, "--", command)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_second_up_changes_nothing(rollcall: Rollcall) -> None:
    before = started()
    done = rollcall("lab", "up")
    assert done.returncode == 0, done.stderr
    assert started() == before
    assert "Image" not in done.stdout
    assert "registry" not in done.stdout


def test_status_shows_every_host_and_image(rollcall: Rollcall) -> None:
    status = json.loads(rollcall("lab", "status", "--json").stdout)
    assert status["up"] is True
    assert [host["name"] for host in status["hosts"]] == [host.name for host in HOSTS]
    assert {host["state"] for host in status["hosts"]} == {"running"}
    assert all(
        host["engine"].startswith(VERSIONS[engine])
        for host, engine in zip(status["hosts"], engines_of(ENGINES).values(), strict=True)
    )
    assert status["registry"]["state"] == "running"
    assert {image["name"] for image in status["images"]} == {image.name for image in IMAGES if image.offered}
    assert all(image["current"] and image["offered"] for image in status["images"])


def test_status_reports_a_stopped_host_and_up_starts_only_that_one(rollcall: Rollcall) -> None:
    on(rollcall, "app2", "cp /etc/resolv.conf /root/before && sed -i '1i # written by hand' /etc/resolv.conf")
    before = started()
    subprocess.run(["docker", "stop", "rollcall-lab-app2"], check=True, capture_output=True)
    status = json.loads(rollcall("lab", "status", "--json").stdout)
    assert status["up"] is False
    assert {host["name"]: host["state"] for host in status["hosts"]}["app2"] == "exited"
    done = rollcall("lab", "up")
    assert done.returncode == 0, done.stderr
    assert on(rollcall, "app2", "docker version --format '{{.Server.Version}}'").startswith(
        VERSIONS[engines_of(ENGINES)["app2"]]
    )
    after = started()
    assert {name for name in before if before[name] != after[name]} == {"rollcall-lab-app2"}
    # What a deploy wrote into the host's own file has to be there after a restart, as on a rented machine.
    assert on(rollcall, "app2", "head -1 /etc/resolv.conf; cat /root/before > /etc/resolv.conf") == "# written by hand"


def test_a_foreign_container_is_not_part_of_the_lab() -> None:
    image = "rollcall-lab/nginx:1.30"
    other = subprocess.check_output(["docker", "create", image], text=True).strip()
    try:
        assert other not in [container["Id"] for container in containers()]
    finally:
        subprocess.run(["docker", "rm", other], check=True, capture_output=True)


def test_up_creates_a_removed_host_again(rollcall: Rollcall) -> None:
    before = started()
    subprocess.run(["docker", "rm", "--force", "rollcall-lab-front1"], check=True, capture_output=True)
    done = rollcall("lab", "up")
    assert done.returncode == 0, done.stderr
    after = started()
    assert {name for name in after if before[name] != after[name]} == {"rollcall-lab-front1"}


@pytest.mark.parametrize(
    ("command", "code", "output"),
    [
        (["true"], 0, ""),
        (["sh", "-c", "exit 7"], 7, ""),
        (["exit 3"], 3, ""),
        (["echo one | tr o 0"], 0, "0ne"),
        (["printf", "%s,", "two words", "$HOME"], 0, "two words,$HOME,"),
    ],
    ids=["success", "words", "line", "pipe", "quoting"],
)
def test_ssh_returns_the_commands_own_output_and_exit_code(
    rollcall: Rollcall, command: list[str], code: int, output: str
) -> None:
    done = rollcall("lab", "ssh", "consul1", "--", *command)
    assert (done.returncode, done.stdout.strip()) == (code, output)


def test_ssh_to_an_unknown_host_is_one_sentence(rollcall: Rollcall) -> None:
    done = rollcall("lab", "ssh", "app3", "--", "true")
    assert done.returncode == 1
    assert done.stderr == "rollcall: The lab has no host app3; did you mean app2?\n"


def test_nothing_of_the_lab_listens_beyond_loopback() -> None:
    bindings = [
        (binding["HostIp"], int(binding["HostPort"]))
        for container in containers()
        for found in container["NetworkSettings"]["Ports"].values()
        for binding in found or []
    ]
    expected = {REGISTRY_PORT, *(port for host in HOSTS for port in host.machine_ports)}
    assert {address for address, _ in bindings} == {"127.0.0.1"}
    assert {port for _, port in bindings} == expected
    listening = subprocess.check_output(["ss", "-Hltn"], text=True).splitlines()
    ours = [line.split()[3] for line in listening if int(line.split()[3].rpartition(":")[2]) in expected]
    assert {address.rpartition(":")[0] for address in ours} == {"127.0.0.1"}


def test_a_host_is_like_a_rented_machine(rollcall: Rollcall) -> None:
    # systemd says `running` only where no unit has failed.
    assert on(rollcall, "consul2", "systemctl is-system-running --wait") == "running"
    assert on(rollcall, "consul2", "hostname; cat /proc/1/comm") == "consul2\nsystemd"
    assert on(rollcall, "consul2", "findmnt -n /etc/resolv.conf || echo a plain file") == "a plain file"
    assert on(rollcall, "consul2", "docker info --format '{{.Driver}}'") == "overlay2"
    assert on(rollcall, "consul2", "getent hosts app1 | cut -d' ' -f1") == "10.77.0.21"
    assert on(rollcall, "consul2", "stat -c %a /root/.ssh /root/.ssh/authorized_keys") == "700\n600"


@pytest.mark.parametrize("image", [image.name for image in IMAGES if image.offered])
def test_every_image_is_pulled_from_the_labs_registry_by_its_public_name(rollcall: Rollcall, image: str) -> None:
    assert on(rollcall, "consul3", f"docker pull --quiet {image}") in (
        f"docker.io/{image}",
        f"docker.io/library/{image}",
    )


def test_a_taken_port_is_one_sentence_before_any_change(rollcall: Rollcall) -> None:
    subprocess.run(["docker", "stop", "rollcall-lab-consul3"], check=True, capture_output=True)
    squatter = subprocess.Popen(["python3", "-m", "http.server", "--bind", "127.0.0.1", "22013"], cwd=Path("/"))
    try:
        # The program is named only once it listens.
        deadline = time.monotonic() + 20
        while not (done := rollcall("lab", "up")).stderr and time.monotonic() < deadline:
            subprocess.run(["docker", "stop", "rollcall-lab-consul3"], check=True, capture_output=True)
        assert done.returncode == 1
        assert (
            f"Port 22013 of 127.0.0.1, which the lab's host consul3 needs, is taken by python3 (process {squatter.pid})"
            in (done.stderr)
        )
        assert "consul3" not in [line for line in done.stdout.splitlines() if "Starting" in line]
    finally:
        squatter.terminate()
        squatter.wait()
    assert rollcall("lab", "up").returncode == 0
