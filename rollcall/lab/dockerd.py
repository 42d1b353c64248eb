"""Start the Docker Engine without systemd, for machines whose first process is another."""

import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

from rollcall import waiting
from rollcall.errors import RollcallError
from rollcall.lab import firewall
from rollcall.lab.layout import STATE
from rollcall.program_output import reason

_PID = STATE / "dockerd.pid"
_LOG = STATE / "dockerd.log"
_FORWARD_POLICY = STATE / "forward-policy"
_PID_OF_THE_DISTRIBUTION = Path("/run/docker.pid")
_PID_OF_CONTAINERD = Path("/run/docker/containerd/containerd.pid")
_START_TIMEOUT_SECONDS = 60
_STOP_TIMEOUT_SECONDS = 30


def program() -> str | None:
    """Return the path of dockerd, which may be only on root's PATH; None if it is missing."""
    return shutil.which("dockerd") or shutil.which("dockerd", path="/usr/sbin:/usr/local/sbin")


def start(responds: Callable[[], bool]) -> None:
    """Start an engine that outlasts this process, or wait for one that is starting.

    Raises:
        RollcallError: it does not respond or has exited; includes the last line of its log.
    """
    if is_alive(_PID) or is_alive(_PID_OF_THE_DISTRIBUTION):
        exited = False
        responded = waiting.until(responds, _START_TIMEOUT_SECONDS)
    else:
        process = _start()
        responded = waiting.until(lambda: responds() or process.poll() is not None, _START_TIMEOUT_SECONDS)
        exited = process.poll() is not None
    if exited or not responded:
        raise RollcallError(f"The Docker Engine does not respond: {_log_end()}")


def _start() -> subprocess.Popen[bytes]:
    # A crash leaves these files. Their process id may belong to another process by now, and the engine would trust it.
    for pid in (_PID, _PID_OF_THE_DISTRIBUTION, _PID_OF_CONTAINERD):
        if not is_alive(pid):
            pid.unlink(missing_ok=True)
    _FORWARD_POLICY.write_text(firewall.forward_policy())
    with _LOG.open("w") as log:
        return subprocess.Popen(
            [program() or "dockerd", "--pidfile", str(_PID)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd="/",
            start_new_session=True,  # keeps Ctrl-C from the engine
        )


def is_ours() -> bool:
    """Return whether the engine that `start` started still runs."""
    return is_alive(_PID)


def is_alive(pid_file: Path) -> bool:
    """Return whether the file's process runs and is Docker's, not another process with the same id."""
    try:
        name, _, rest = Path(f"/proc/{int(pid_file.read_text())}/stat").read_text().partition(")")
    except (OSError, ValueError):
        return False
    # "12 (dockerd) S 1 …"; Z is a zombie.
    return name.partition("(")[2] in ("dockerd", "containerd") and rest.split()[0] != "Z"


def stop() -> None:
    """Stop it, and remove what it left in the kernel.

    Raises:
        RollcallError: it does not stop in time; includes the last line of its log.
    """
    os.kill(int(_PID.read_text()), signal.SIGTERM)
    if not waiting.until(lambda: not is_alive(_PID), _STOP_TIMEOUT_SECONDS):
        raise RollcallError(f"The Docker Engine still runs after {_STOP_TIMEOUT_SECONDS} s: {_log_end()}")
    firewall.clear(_FORWARD_POLICY.read_text() if _FORWARD_POLICY.exists() else "")
    forget()


def forget() -> None:
    """Remove the files about the engine, also about one that ended with the machine."""
    for path in (_PID, _LOG, _FORWARD_POLICY):
        path.unlink(missing_ok=True)


def _log_end() -> str:
    return (reason(_LOG.read_text()) if _LOG.exists() else "") or "its log is empty."
