"""The machine's own Docker Engine: used where it responds, installed and started where it does not."""

import os
import shutil
import sys
from pathlib import Path

from rollcall import command, waiting
from rollcall.console import out, step
from rollcall.errors import RollcallError
from rollcall.lab import dockerd, packages

_START_TIMEOUT_SECONDS = 60


def responds() -> bool:
    """Whether an engine answers now."""
    return shutil.which("docker") is not None and command.attempt(["docker", "version"])[0] == 0


def ensure() -> None:
    """Make sure that an engine answers.

    Raises:
        RollcallError: none does and none can be started from here; or its log's last line.
    """
    if responds():
        return
    _check_can_start()
    if not is_installed():
        # docker-cli is a package of its own since Debian 13; before, docker.io has the client.
        packages.install(["docker.io", "docker-cli", "iptables"])
        if responds():
            return
    with step("Starting a Docker Engine on this machine"):
        if not Path("/run/systemd/system").is_dir():
            dockerd.start(responds)
            return
        command.run(["systemctl", "start", "docker"], doing="start the Docker Engine")
        if not waiting.until(responds, _START_TIMEOUT_SECONDS):
            raise RollcallError("The Docker Engine does not answer; `journalctl -u docker` says why.")


def is_installed() -> bool:
    """Whether there is an engine that could be started."""
    return shutil.which("docker") is not None and dockerd.program() is not None


def _check_can_start() -> None:
    if os.environ.get("DOCKER_HOST"):
        raise RollcallError(
            f"No Docker Engine answers at DOCKER_HOST={os.environ['DOCKER_HOST']}; the lab wants a local one: unset it."
        )
    if sys.platform != "linux":
        raise RollcallError("No Docker Engine answers; start Docker Desktop, or run the lab on a Linux machine.")
    if os.geteuid() != 0:
        raise RollcallError(
            "No Docker Engine answers; start it (systemctl start docker), join its group (usermod -aG docker), "
            "or run this as root."
        )
    if dockerd.program() is None and not packages.can_install():
        raise RollcallError("There is no Docker Engine on this machine; install one (docs.docker.com/engine/install).")


def stop_if_ours_and_idle() -> None:
    """Stop the engine that `ensure` started by hand, unless something else runs on it.

    Raises:
        RollcallError: it does not stop.
    """
    if not dockerd.is_ours():
        return
    if command.run(["docker", "ps", "--quiet"], doing="list running containers").strip():
        out.print("The Docker Engine stays: other containers run on it.")
        return
    with step("Stopping the Docker Engine that the lab started"):
        dockerd.stop()
