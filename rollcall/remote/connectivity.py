"""Check first, for all hosts at the same time, that each responds by SSH and that its user has root's rights."""

import os
import socket
import subprocess
from collections.abc import Mapping, Sequence
from functools import partial

from rollcall.config.inventory import Host
from rollcall.contract.timeouts import stretched
from rollcall.errors import RollcallError
from rollcall.program_output import reason
from rollcall.remote import login, parallel, route, ssh
from rollcall.remote.route import Route
from rollcall.remote.run import Shell

# TCP resends a lost first packet after 1 and after 3 seconds; treat a longer silence as down.
CONNECT_TIMEOUT_SECONDS = 5
# The lab's hosts, as inventories/lab.py names them.
LAB_PORTS = range(22011, 22151)


class SomeSilentError(RollcallError):
    """Some hosts do not respond by SSH, and others do."""


def check(hosts: Sequence[Host]) -> None:
    """Check that each host's SSH server responds, and that its user is root or may use sudo.

    Raises RollcallError within about CONNECT_TIMEOUT_SECONDS, with every host that does not respond and why, or every
    host whose user lacks root's rights.
    """
    remote = [host for host in hosts if host.connector == "ssh"]
    reached = list(zip(remote, route.routes(remote), strict=True)) if remote else []
    _check_greetings(reached)
    users = {host.name: found.user for host, found in reached}
    if problems := [one for one in parallel.on_each(hosts, partial(_rights_problem, users)) if one]:
        raise RollcallError("; ".join(problems))


def _check_greetings(reached: Sequence[tuple[Host, Route]]) -> None:
    problems = parallel.on_each(reached, _problem)
    silent = [(host, problem) for (host, _), problem in zip(reached, problems, strict=True) if problem]
    if silent:
        all_silent = len(silent) == len(reached)
        raise (RollcallError if all_silent else SomeSilentError)(_sentence(silent, all_silent=all_silent))


def _sentence(silent: Sequence[tuple[Host, str]], *, all_silent: bool) -> str:
    listed = ", ".join(f"{host.name} ({problem})" for host, problem in silent)
    verb = "does" if len(silent) == 1 else "do"
    if all(_is_lab(host) for host, _ in silent):
        up = "up" if all_silent else "completely up"
        return f"{listed} {verb} not respond by SSH: the lab is not {up}; run `rollcall lab up`."
    return (
        f"{listed} {verb} not respond by SSH; check that the machine runs and that ssh_hostname "
        "and ssh_port of the inventory are right."
    )


def _is_lab(host: Host) -> bool:
    return host.hostname == "127.0.0.1" and host.port in LAB_PORTS


def _problem(reached: tuple[Host, Route]) -> str | None:
    host, found = reached
    if not found.direct:
        return _problem_behind_proxy(host)
    where = f"{found.hostname}:{found.port}"
    try:
        with socket.create_connection(
            (found.hostname, found.port), timeout=stretched(CONNECT_TIMEOUT_SECONDS)
        ) as connection:
            banner = connection.recv(255)
    except TimeoutError:
        return f"{where}: no response within {stretched(CONNECT_TIMEOUT_SECONDS):g} s"
    except socket.gaierror:
        return f"{where}: the name does not resolve"
    except OSError as error:
        return f"{where}: {(error.strerror or str(error)).lower()}"
    # A port forwarder accepts connections for a machine that is down, and then sends nothing.
    return None if banner.startswith(b"SSH-") else f"{where}: accepts connections, but is not an SSH server"


def _problem_behind_proxy(host: Host) -> str | None:
    command, seconds = ssh.arguments(host, "true"), stretched(2 * ssh.CONNECT_TIMEOUT_SECONDS)
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=stretched(2 * ssh.CONNECT_TIMEOUT_SECONDS), check=False
        )
    except subprocess.TimeoutExpired:
        return f"{host.hostname}: no response within {seconds:g} s"
    why = reason(done.stderr) or f"ssh exited with {done.returncode}"
    return None if done.returncode == 0 else f"{host.hostname}: {why}"


def _rights_problem(users: Mapping[str, str], host: Host) -> str:
    """Return why the user that Rollcall logs in as lacks root's rights; root itself needs no request."""
    is_root = os.geteuid() == 0 if host.connector == "local" else users.get(host.name) == "root"
    if not host.sudo and is_root:
        return ""
    try:
        sentence = login.problem(host, Shell(host, as_root=False).run(login.PROBE).output)
    except ValueError as error:
        sentence = str(error)
    except RollcallError as error:
        return str(error)
    return sentence and f"{host.name}: {sentence}"
