"""`rollcall consul`: run the real consul command line, with a hidden token."""

import contextlib
import os
import shlex
import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Sequence
from typing import IO

import click

from rollcall.cli.parameters import inventory_argument
from rollcall.components.loading import checked_fleet
from rollcall.config.inventory import Host
from rollcall.consul.pick_agent import pick_agent
from rollcall.errors import RollcallError
from rollcall.remote.run import Shell
from rollcall.secrets.deployed import read_secrets
from rollcall.signals import interrupt_on

STDIN = 0
# ssh's exit code for a lost connection; consul never exits with it.
CONNECTION_LOST = 255
# The token is the first line of standard input. consul reads it from a pipe that only its process has; the rest is
# consul's own input, since `read` takes no byte beyond its line.
SCRIPT = """
IFS= read -r token
exec 3<<END
$token
END
exec consul "$@"
"""
# `docker exec` forwards no signals, so find consul by its environment.
INTERRUPT = """
for process in /proc/[0-9]*; do
  if tr '\\0' '\\n' <"$process/environ" | grep -qx "$1"; then
    kill -s INT "${process#/proc/}"
  fi
done 2>/dev/null
"""


@click.command("consul")
@inventory_argument
@click.option("--limit", multiple=True, metavar="HOST|GROUP", help="Use the agent of this host; by default a server's.")
@click.option("--management", is_flag=True, help="Use the management token, for ACLs and snapshots.")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def consul(source: str, limit: tuple[str, ...], management: bool, arguments: tuple[str, ...]) -> None:
    """Run consul's own command line in the fleet of INVENTORY: rollcall consul INVENTORY -- members.

    Its input, output and exit code are consul's own. It runs in the agent's container, so pass files as -
    (standard input).
    """
    chosen, fleet = checked_fleet(source, limit)
    tokens = read_secrets(source, chosen, fleet, "rollcall consul").tokens
    token = tokens.secret("management" if management else "operator")
    host = pick_agent(source, chosen)
    # A supervisor's stop or a closed terminal interrupts consul, as Ctrl-C does.
    interrupt_on(signal.SIGTERM, signal.SIGHUP)
    code = _run(host, arguments, token)
    if code == CONNECTION_LOST and host.connector == "ssh":
        raise RollcallError(f"lost the connection to {host.name}; consul may or may not have finished there")
    sys.exit(code)


def inside(command: str, arguments: Sequence[str]) -> str:
    """Return the command for the host; `command` is a unique name for this run."""
    options = ["--interactive", "--env=CONSUL_HTTP_TOKEN_FILE=/dev/fd/3", f"--env={_mark(command)}"]
    return "exec " + shlex.join(["docker", "exec", *options, "consul", "sh", "-c", SCRIPT, "sh", *arguments])


def interrupt(command: str) -> str:
    """Return the command that interrupts this run on the host."""
    return shlex.join(["docker", "exec", "consul", "sh", "-c", INTERRUPT, "sh", _mark(command)])


def _mark(command: str) -> str:
    return f"ROLLCALL_COMMAND={command}"


def _run(host: Host, arguments: Sequence[str], token: str) -> int:
    """Run consul and return its exit code. The first Ctrl-C goes to consul; the second one ends the wait."""
    command = uuid.uuid4().hex
    with subprocess.Popen(
        Shell(host).arguments(inside(command, arguments)), stdin=subprocess.PIPE, start_new_session=True
    ) as process:
        threading.Thread(target=_feed, args=(process.stdin, token), daemon=True).start()
        try:
            return process.wait()
        except KeyboardInterrupt:
            subprocess.run(
                Shell(host).arguments(interrupt(command)), stdin=subprocess.DEVNULL, start_new_session=True, check=False
            )
        try:
            return process.wait()
        except KeyboardInterrupt:
            process.kill()
            raise


def _feed(pipe: IO[bytes], token: str) -> None:
    """Write the token's line, then copy standard input; consul may exit without reading it."""
    with contextlib.suppress(OSError), pipe:
        pipe.write(f"{token}\n".encode())
        pipe.flush()
        while block := os.read(STDIN, 65536):
            pipe.write(block)
            pipe.flush()
