"""Use the machine's own Docker Engine: install and start it if it does not respond."""

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
    """Return whether an engine responds now."""
    return shutil.which("docker") is not None and command.attempt(["docker", "version"])[0] == 0


def ensure() -> None:
    """Make sure that an engine responds.

    Raises:
        RollcallError: no engine responds and none can be started; includes the last line of its log.
    """
    if responds():
        return
    _check_can_start()
    if not is_installed():
        # Since Debian 13 the client is in docker-cli, before in docker.io.
        packages.install(["docker.io", "docker-cli", "iptables"])
        if responds():
            return
    with step("Starting a Docker Engine on this machine"):
        if not Path("/run/systemd/system").is_dir():
            dockerd.start(responds)
            return
        command.run(["systemctl", "start", "docker"], doing="start the Docker Engine")
        if not waiting.until(responds, _START_TIMEOUT_SECONDS):
            raise RollcallError("The Docker Engine does not respond; run `journalctl -u docker` for the reason.")


def is_installed() -> bool:
    """Return whether an engine is installed and can be started."""
    return shutil.which("docker") is not None and dockerd.program() is not None


def _check_can_start() -> None:
    if os.environ.get("DOCKER_HOST"):
        raise RollcallError(
            f"No Docker Engine responds at DOCKER_HOST={os.environ['DOCKER_HOST']}; the lab requires a local one: "
            "unset DOCKER_HOST."
        )
    if sys.platform != "linux":
        raise RollcallError("No Docker Engine responds; start Docker Desktop, or run the lab on a Linux machine.")
    if os.geteuid() != 0:
        raise RollcallError(
            "No Docker Engine responds; start it (systemctl start docker), join its group (usermod -aG docker), "
            "or run this as root."
        )
    if dockerd.program() is None and not packages.can_install():
        raise RollcallError("This machine has no Docker Engine; install one (docs.docker.com/engine/install).")


def stop_if_ours_and_idle() -> None:
    """Stop the engine that `ensure` started without systemd, unless other containers run on it.

    Raises:
        RollcallError: it does not stop.
    """
    if not dockerd.is_ours():
        dockerd.forget()
        return
    if command.run(["docker", "ps", "--quiet"], doing="list running containers").strip():
        out.print("The Docker Engine keeps running: other containers use it.")
        return
    with step("Stopping the Docker Engine that the lab started"):
        dockerd.stop()
