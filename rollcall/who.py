"""Tell who runs this, by which process of which machine, and when, for others to see."""

import getpass
import os
import socket
from datetime import UTC, datetime
from pathlib import Path


def user() -> str:
    """Return who runs this, for others to see."""
    return f"{getpass.getuser()}@{socket.gethostname()}"


def machine() -> str:
    """Return what tells this machine, and this container on it, from others whose processes it does not see."""
    boot, namespace = Path("/proc/sys/kernel/random/boot_id"), Path("/proc/self/ns/pid")
    parts = [socket.gethostname(), boot.read_text().strip() if boot.exists() else ""]
    return " ".join([*parts, str(namespace.readlink()) if namespace.is_symlink() else ""]).strip()


def has_ended(at: str, process: int) -> bool:
    """Return whether a process, which ran on a machine, is known to have ended."""
    if at != machine() or process <= 0:
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False


def now() -> str:
    """Return the time (UTC) that others see."""
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")
