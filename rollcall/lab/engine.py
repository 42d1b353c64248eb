"""The machine's own Docker Engine: used where it answers, installed and started where it does not."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from rollcall.console import out, step
from rollcall.errors import RollcallError
from rollcall.lab import command, firewall, packages, waiting
from rollcall.lab.layout import STATE

_PID = STATE / "dockerd.pid"
_LOG = STATE / "dockerd.log"
_BEFORE = STATE / "forward-policy"
_START_SECONDS = 60
_STOP_SECONDS = 30


def answers() -> bool:
    """Whether an engine answers now."""
    return shutil.which("docker") is not None and command.attempt(["docker", "version"])[0] == 0


def ensure() -> None:
    """Make sure that an engine answers.

    Raises:
        RollcallError: none does and none can be started from here; or its log's last line.
    """
    if answers():
        return
    _check_can_start()
    if shutil.which("docker") is None or _dockerd() is None:
        # docker-cli is a package of its own since Debian 13; before, docker.io has the client.
        packages.install(["docker.io", "docker-cli", "iptables"])
        if answers():
            return
    with step("Starting a Docker Engine on this machine"):
        if _systemd_runs():
            command.run(["systemctl", "start", "docker"], doing="start the Docker Engine")
        else:
            _start_by_hand()
        if not waiting.until(answers, _START_SECONDS):
            raise RollcallError(f"The Docker Engine does not answer after {_START_SECONDS} s: {_last_words()}")


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
    if _dockerd() is None and not packages.can_install():
        raise RollcallError("There is no Docker Engine on this machine; install one (docs.docker.com/engine/install).")


def _dockerd() -> str | None:
    return shutil.which("dockerd") or shutil.which("dockerd", path="/usr/sbin:/usr/local/sbin")


def _systemd_runs() -> bool:
    return Path("/run/systemd/system").is_dir()


def _start_by_hand() -> None:
    if is_alive(_PID) or is_alive(Path("/run/docker.pid")):
        return  # it is still on its way up
    # A crash leaves these, and by now the number may belong to another process: the engine would believe it.
    for pid in (_PID, Path("/run/docker.pid"), Path("/run/docker/containerd/containerd.pid")):
        if not is_alive(pid):
            pid.unlink(missing_ok=True)
    _BEFORE.write_text(firewall.forward_policy())
    with _LOG.open("w") as log:
        subprocess.Popen(
            [_dockerd() or "dockerd", "--pidfile", str(_PID)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd="/",
            start_new_session=True,  # Ctrl-C here is not for the engine
        )


def is_alive(pid_file: Path) -> bool:
    """Whether the process named in the file is the one that belongs there."""
    try:
        pid = int(pid_file.read_text())
        name = Path(f"/proc/{pid}/comm").read_text().strip()
    except (OSError, ValueError):
        return False
    return name in ("dockerd", "containerd")


def _last_words() -> str:
    if _systemd_runs():
        return "journalctl -u docker says why"
    return command.last_line(_LOG.read_text()) if _LOG.exists() else "it left no log"


def stop_if_ours_and_idle() -> None:
    """Stop the engine that `ensure` started by hand, unless something else runs on it."""
    if not is_alive(_PID):
        return
    if command.run(["docker", "ps", "--quiet"], doing="list running containers").strip():
        out.print("The Docker Engine stays: other containers run on it.")
        return
    with step("Stopping the Docker Engine that the lab started"):
        os.kill(int(_PID.read_text()), signal.SIGTERM)
        if not waiting.until(lambda: not is_alive(_PID), _STOP_SECONDS):
            raise RollcallError(f"The Docker Engine is still there after {_STOP_SECONDS} s: {_last_words()}")
        firewall.clear(_BEFORE.read_text() if _BEFORE.exists() else "")
        for path in (_PID, _LOG, _BEFORE):
            path.unlink(missing_ok=True)
