"""`rollcall ui`: open Consul's UI through a tunnel, until Ctrl-C."""

import signal
import socket
from pathlib import Path

import click

from rollcall.cli.parameters import inventory_argument
from rollcall.components.loading import checked_fleet
from rollcall.config.inventory import Host
from rollcall.console import out
from rollcall.consul.pick_agent import pick_agent
from rollcall.contract import local_agent
from rollcall.contract.timeouts import stretched
from rollcall.errors import RollcallError
from rollcall.remote.tunnel import tunnel
from rollcall.secrets.deployed import directory, read_secrets
from rollcall.secrets.private_directory import PrivateDirectory
from rollcall.signals import interrupt_on

REQUEST_TIMEOUT_SECONDS = 5.0
# The token for the login form; the file exists only while the command runs.
TOKEN = "operator.token"  # noqa: S105 - a file's name


@click.command()
@inventory_argument
@click.option("--port", type=click.IntRange(1, 65535), help="The port on this machine; by default any free one.")
def ui(source: str, port: int | None) -> None:
    """Serve Consul's UI on this machine until Ctrl-C, and print its address and how to log in."""
    chosen, fleet = checked_fleet(source)
    token = read_secrets(source, chosen, fleet, "rollcall ui").tokens.secret("operator")
    host = pick_agent(source, chosen)
    check_port(host, port)
    interrupt_on(signal.SIGTERM)
    folder = PrivateDirectory(directory(source, chosen, "rollcall ui"))
    with tunnel(host, [local_agent.ENDPOINT], port or 0) as reached:
        url = "http://{}:{}".format(*reached[local_agent.ENDPOINT])
        _check_answer(host, url)
        try:
            folder.write(TOKEN, f"{token}\n")
            _say(host, url, folder.path / TOKEN)
            reached.wait()
        except KeyboardInterrupt:
            out.print("\nClosed.")
            return
        finally:
            folder.remove(TOKEN)
    raise RollcallError(f"lost the connection to {host.name}; run the same command again")


def check_port(host: Host, port: int | None) -> None:
    """Raise RollcallError if the port is taken, or if there is nothing to choose."""
    if port is None:
        return
    if host.connector == "local":
        raise RollcallError(f"{host.name} is this machine, with its UI at port {local_agent.PORT}; leave out --port")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as problem:
            reason = (problem.strerror or str(problem)).lower()
            raise RollcallError(
                f"--port: cannot use port {port} of this machine: {reason}; choose another one, or leave out --port"
            ) from None


def _check_answer(host: Host, url: str) -> None:
    import requests

    with requests.Session() as session:
        # A tunnel's end must not go through the machine's HTTP proxy.
        session.trust_env = False
        try:
            answers = session.get(f"{url}/ui/", timeout=stretched(REQUEST_TIMEOUT_SECONDS)).ok
        except requests.RequestException:
            answers = False
    if not answers:
        raise RollcallError(
            f"the Consul agent of {host.name} serves no UI at port {local_agent.PORT}; "
            "see `docker logs consul` on that host"
        )


def _say(host: Host, url: str, token: Path) -> None:
    out.print(f"Consul's UI, from {host.name}: [bold]{url}/ui/[/]")
    out.print(f"To log in, paste the token in [bold]{token}[/]")
    out.print("Ctrl-C ends both.")
