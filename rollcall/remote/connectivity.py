"""Check first, for all hosts at the same time, that each responds by SSH and that its user has root's rights."""

import os
import shutil
import socket
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

from rollcall.config.inventory import Host
from rollcall.contract.timeouts import stretched
from rollcall.errors import RollcallError
from rollcall.program_output import reason
from rollcall.remote import login, parallel, ssh
from rollcall.remote.run import Shell

# TCP resends a lost first packet after 1 and after 3 seconds; treat a longer silence as down.
CONNECT_TIMEOUT_SECONDS = 5
# The lab's hosts, as inventories/lab.py names them.
LAB_PORTS = range(22011, 22151)


class SomeSilentError(RollcallError):
    """Some hosts do not respond by SSH, and others do."""


@dataclass(frozen=True)
class _Route:
    hostname: str
    port: int
    user: str
    direct: bool


def check(hosts: Sequence[Host]) -> None:
    """Check that each host's SSH server responds, and that its user is root or may use sudo.

    Raises RollcallError within about CONNECT_TIMEOUT_SECONDS, with every host that does not respond and why, or every
    host whose user lacks root's rights.
    """
    _check_greetings(hosts)
    if problems := [problem for problem in parallel.on_each(hosts, _rights_problem) if problem]:
        raise RollcallError("; ".join(problems))


def _check_greetings(hosts: Sequence[Host]) -> None:
    remote = [host for host in hosts if host.connector == "ssh"]
    if not remote:
        return
    problems = parallel.on_each(remote, _problem)
    silent = [(host, problem) for host, problem in zip(remote, problems, strict=True) if problem]
    if silent:
        all_silent = len(silent) == len(remote)
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


def _problem(host: Host) -> str | None:
    route = _route(host)
    if not route.direct:
        return _problem_behind_proxy(host)
    where = f"{route.hostname}:{route.port}"
    try:
        with socket.create_connection(
            (route.hostname, route.port), timeout=stretched(CONNECT_TIMEOUT_SECONDS)
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


def _route(host: Host) -> _Route:
    """Return where ssh would connect: the user's own configuration may rename a host or use a jump host."""
    if shutil.which("ssh") is None:
        return _Route(host.hostname, host.port or 22, host.user or "", direct=True)
    command = ["ssh", "-G", *ssh.options(host), host.hostname]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = dict(line.split(" ", 1) for line in done.stdout.splitlines() if " " in line)
    proxied = any(found.get(key, "none") != "none" for key in ("proxyjump", "proxycommand"))
    return _Route(
        found.get("hostname", host.hostname),
        int(found.get("port", host.port or 22)),
        found.get("user", host.user or ""),
        not proxied,
    )


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


def _rights_problem(host: Host) -> str:
    """Return why the user that Rollcall logs in as lacks root's rights; root itself needs no request."""
    if not host.sudo and _is_root(host):
        return ""
    try:
        sentence = login.problem(host, Shell(host, as_root=False).run(login.PROBE).output)
    except ValueError as error:
        sentence = str(error)
    except RollcallError as error:
        return str(error)
    return sentence and f"{host.name}: {sentence}"


def _is_root(host: Host) -> bool:
    if host.connector == "local":
        return os.geteuid() == 0
    return (host.user or _route(host).user) == "root"
