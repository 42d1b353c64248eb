"""One shell command on a host, by itself: over SSH as the inventory says, or here."""

import subprocess

from rollcall.config.inventory import Host
from rollcall.errors import RollcallError
from rollcall.remote import ssh

# No look at a host takes longer; what does is lost.
SECONDS = 30


def run(host: Host, command: str) -> str:
    """Run it and give what it prints.

    Raises:
        RollcallError: it fails, or gives no answer within SECONDS.
    """
    try:
        done = subprocess.run(
            ssh.command(host, ["sh", "-c", command]),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise RollcallError(f"{host.name} gave no answer within {SECONDS} s") from None
    if done.returncode != 0:
        reason = (done.stderr or done.stdout).strip().splitlines() or [f"exit code {done.returncode}"]
        raise RollcallError(f"on {host.name}: {reason[-1]}")
    return done.stdout
