"""`rollcall consul`: the real consul command line, with a token that nobody sees."""

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
# ssh's own exit code where the connection is lost; consul has no such code.
CONNECTION_LOST = 255
# The token is the first line of standard input. consul finds it in a pipe that only its own process has; the rest is
# consul's own standard input, for `read` takes no byte beyond its line.
SCRIPT = """
IFS= read -r token
exec 3<<END
$token
END
exec consul "$@"
"""
# `docker exec` passes no signal on, so consul is found by its environment.
INTERRUPT = """
for process in /proc/[0-9]*; do
  if tr '\\0' '\\n' <"$process/environ" | grep -qx "$1"; then
    kill -s INT "${process#/proc/}"
  fi
done 2>/dev/null
"""


@click.command("consul")
@inventory_argument
@click.option("--limit", multiple=True, metavar="HOST|GROUP", help="Ask the agent of this host; a server's otherwise.")
@click.option("--management", is_flag=True, help="With the token that may do everything: for ACLs and snapshots.")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def consul(source: str, limit: tuple[str, ...], management: bool, arguments: tuple[str, ...]) -> None:
    """Run consul's own command line in the fleet of INVENTORY: rollcall consul INVENTORY -- members.

    Its input, output and exit code are consul's own; it runs in the agent's container, so files it is to read are best
    given as - (standard input).
    """
    chosen, fleet = checked_fleet(source, limit)
    tokens = read_secrets(source, chosen, fleet, "rollcall consul").tokens
    token = tokens.secret("management" if management else "operator")
    host = pick_agent(source, chosen)
    # Ended by a supervisor or by a terminal that is closed, consul is told just as after Ctrl-C.
    interrupt_on(signal.SIGTERM, signal.SIGHUP)
    code = _run(host, arguments, token)
    if code == CONNECTION_LOST and host.connector == "ssh":
        raise RollcallError(f"the connection to {host.name} was lost; what consul had begun there may be done or not")
    sys.exit(code)


def inside(command: str, arguments: Sequence[str]) -> str:
    """Build what is run on the host; `command` is a name that tells this run from all others."""
    options = ["--interactive", "--env=CONSUL_HTTP_TOKEN_FILE=/dev/fd/3", f"--env={_mark(command)}"]
    return "exec " + shlex.join(["docker", "exec", *options, "consul", "sh", "-c", SCRIPT, "sh", *arguments])


def interrupt(command: str) -> str:
    """Build what is run on the host to interrupt that run."""
    return shlex.join(["docker", "exec", "consul", "sh", "-c", INTERRUPT, "sh", _mark(command)])


def _mark(command: str) -> str:
    return f"ROLLCALL_COMMAND={command}"


def _run(host: Host, arguments: Sequence[str], token: str) -> int:
    """Run consul and give its exit code. The first Ctrl-C is consul's own; after a second one nothing is waited for."""
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
    """Write the token's line and then whatever comes in here; consul may well end without reading it."""
    with contextlib.suppress(OSError), pipe:
        pipe.write(f"{token}\n".encode())
        pipe.flush()
        while block := os.read(STDIN, 65536):
            pipe.write(block)
            pipe.flush()
