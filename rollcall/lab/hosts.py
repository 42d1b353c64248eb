"""Create the hosts, give them their keys, start them, and wait for them."""

import shlex
import socket
from collections.abc import Callable, Sequence
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import Any

from rollcall import command, waiting
from rollcall.config.inventory import Host
from rollcall.console import step
from rollcall.did_you_mean import near_name
from rollcall.errors import RollcallError
from rollcall.images.docker import docker, inspect
from rollcall.lab import catalogue, keys, side_by_side, size
from rollcall.lab.layout import DEFAULT_ENGINE, LABEL, LOOPBACK, NETWORK, LabHost
from rollcall.program_output import reason
from rollcall.remote import ssh

# What systemd and a nested Docker Engine need. --privileged would fail on machines that lack one of its capabilities.
_CAPABILITIES = (
    *("DAC_READ_SEARCH", "IPC_LOCK", "NET_ADMIN", "SYSLOG"),
    *("SYS_ADMIN", "SYS_MODULE", "SYS_NICE", "SYS_PTRACE"),
)
_SECURITY = ("seccomp=unconfined", "apparmor=unconfined", "systempaths=unconfined")
SYSTEMD = (
    *(f"--cap-add={capability}" for capability in _CAPABILITIES),
    *(f"--security-opt={option}" for option in _SECURITY),
    *("--cgroupns=private", "--tmpfs=/run", "--tmpfs=/run/lock"),
)
"""docker's arguments for a container of the image of a host, in which systemd runs."""
_READY_TIMEOUT_SECONDS = 90
# They start side by side, each for about three seconds of a core.
_READY_SECONDS_PER_HOST = 6
# Between two questions, each a login by SSH: fifty hosts that are asked at once would be kept busy by them.
_PAUSE_SECONDS_PER_HOST = 0.05
# systemd's exit status when it cannot even start, as Docker shows it.
_SYSTEMD_FAILED = 255
_INOTIFY = Path("/proc/sys/fs/inotify/max_user_instances")
_CONNECT_TIMEOUT_SECONDS = 5


def engines_of(engines: Sequence[str]) -> dict[str, str]:
    """Return each host's Docker Engine: the hosts get the given ones in turn."""
    return {host.name: engine for host, engine in zip(size.hosts(), cycle(engines or [DEFAULT_ENGINE]), strict=False)}


def create_arguments(host: LabHost, engine: str = DEFAULT_ENGINE) -> list[str]:
    """Return docker's arguments that create a host."""
    ports = [(host.ssh_port, 22), *((port.machine, port.host) for port in host.published)]
    return [
        *("create", f"--name={host.container}", f"--hostname={host.name}", f"--label={LABEL}=1"),
        # A registrator on this machine, as in `make demo`, must not register hosts as services.
        "--label=SERVICE_IGNORE=true",
        *(f"--network={NETWORK}", f"--ip={host.address}"),
        *(f"--publish={LOOPBACK}:{machine}:{inside}" for machine, inside in ports),
        *SYSTEMD,
        f"--mount=type=volume,source={host.volume},target=/var/lib/docker,volume-label={LABEL}=1",
        *("--log-opt=max-size=1m", "--log-opt=max-file=1"),
        # A host that reboots ends its container; one that is stopped or killed from outside stays down.
        "--restart=unless-stopped",
        catalogue.HOSTS[engine].local,
    ]


def ensure(engines: Sequence[str] = ()) -> list[str]:
    """Make sure that every host runs; return the names of those whose image is outdated.

    Args:
        engines: the Docker Engines that new hosts get in turn; empty for the default one. Existing hosts keep theirs.

    Raises:
        RollcallError: a host cannot be created or started.
    """
    hosts = size.hosts()
    found = inspect("container", [host.container for host in hosts])
    wanted = engines_of(engines)
    missing = [host for host in hosts if not _runs(found.get(host.container))]
    if missing:
        with step(f"Starting {len(missing)} of {len(hosts)} hosts"):
            side_by_side.run([_task(host, wanted[host.name], found.get(host.container)) for host in missing])
    existing = [host for host in hosts if host.container in found]
    current = {host: found[host.container]["Config"]["Image"] for host in existing}
    if engines:
        current = {host: catalogue.HOSTS[wanted[host.name]].local for host in existing}
    newest = inspect("image", sorted(set(current.values())))
    return [host.name for host in existing if found[host.container]["Image"] != newest.get(current[host], {}).get("Id")]


def _runs(found: dict[str, Any] | None) -> bool:
    return found is not None and bool(found["State"]["Running"])


def _task(host: LabHost, engine: str, found: dict[str, Any] | None) -> Callable[[], None]:
    def start() -> None:
        if found is None:
            docker(*create_arguments(host, engine), doing=f"create the host {host.name}")
        # Also for a host that an interrupted run created without keys.
        docker(
            "cp",
            "-",
            f"{host.container}:/",
            stdin=keys.archive(keys.USER_KEY, keys.HOST_KEY),
            doing=f"give {host.name} its keys",
        )
        docker("start", host.container, doing=f"start the host {host.name}")

    return start


def wait_until_ready() -> None:
    """Wait until every host responds over SSH and its Docker Engine responds, too.

    Raises:
        RollcallError: names the hosts that do not, and the reason for each.
    """
    hosts = size.hosts()
    seconds = max(_READY_TIMEOUT_SECONDS, _READY_SECONDS_PER_HOST * len(hosts))
    with step("Waiting for SSH and the Docker Engine of every host"):
        lacking = side_by_side.run([_waiting(host, seconds, _PAUSE_SECONDS_PER_HOST * len(hosts)) for host in hosts])
        if problems := [problem for problem in lacking if problem]:
            raise RollcallError(
                f"After {seconds} s {', '.join(problems)}; "
                "run `rollcall lab down` and `rollcall lab up` to rebuild the lab."
            )


def renew(names: Sequence[str]) -> None:
    """Make every host pull the renewed images that it has, so that a deploy uses them.

    Raises:
        RollcallError: a host cannot pull an image.
    """
    if names:
        with step(f"Renewing {', '.join(names)} on the hosts"):
            side_by_side.run([partial(_renew, host, names) for host in size.hosts()])


def _renew(host: LabHost, names: Sequence[str]) -> None:
    # Skip images that the host does not have: a deploy brings them if needed.
    pull = "docker image inspect {0} >/dev/null 2>&1 && { docker pull -q {0} >/dev/null || exit 1; }; "
    line = "".join(pull.replace("{0}", shlex.quote(name)) for name in names) + "true"
    command.run([*ssh_arguments(host), line], doing=f"let {host.name} pull {', '.join(names)}")


def _waiting(host: LabHost, seconds: float, pause_seconds: float) -> Callable[[], str]:
    def wait() -> str:
        settled = waiting.until(
            lambda: engine_version(host) is not None or bool(_stopped(host)), seconds, pause_seconds
        )
        return "" if settled and not _stopped(host) else f"{host.name} {_lack(host)}"

    return wait


def _stopped(host: LabHost) -> dict[str, Any] | None:
    """Return the state of a host's container if it does not run."""
    found = inspect("container", [host.container]).get(host.container)
    return None if _runs(found) else dict(found["State"] if found else {"Status": "missing"})


def _lack(host: LabHost) -> str:
    if state := _stopped(host):
        return stop_reason(state, int(_INOTIFY.read_text()))
    code, _, errors = command.attempt([*ssh_arguments(host), "true"])
    if code != 0:
        return f"rejects the login over SSH ({reason(errors)})"
    return "has a Docker Engine that does not respond"


def stop_reason(state: dict[str, Any], inotify_instances: int) -> str:
    """Explain why a host's container does not run, from its state (`docker inspect`)."""
    if state.get("ExitCode") != _SYSTEMD_FAILED:
        return f"does not stay up (its container is {state['Status']}, exit code {state.get('ExitCode')})"
    return (
        "does not stay up: its systemd exited at once, most often for want of inotify instances "
        f"(this machine allows {inotify_instances}; sysctl -w fs.inotify.max_user_instances=1024 allows more)"
    )


def engine_version(host: LabHost) -> str | None:
    """Return the version of a host's Docker Engine over SSH; None if either does not respond."""
    code, output, _ = command.attempt([*ssh_arguments(host), "docker version --format '{{.Server.Version}}'"])
    return output.strip() if code == 0 else None


def ssh_arguments(host: LabHost) -> list[str]:
    """Return the arguments of `ssh` that reach a host, up to and including its address."""
    reached = Host(host.name, "ssh", LOOPBACK, host.ssh_port, "root", key=keys.USER_KEY, known_hosts=keys.KNOWN_HOSTS)
    # The lab ignores the user's own ssh settings.
    return ["ssh", "-F", "none", *ssh.options(reached), LOOPBACK]


def check_up(host: LabHost) -> None:
    """Check that a host's SSH port accepts connections.

    Raises:
        RollcallError: it does not.
    """
    try:
        socket.create_connection((LOOPBACK, host.ssh_port), timeout=_CONNECT_TIMEOUT_SECONDS).close()
    except OSError as error:
        raise RollcallError(
            f"The lab's host {host.name} is down: nothing listens at {LOOPBACK}:{host.ssh_port}; run `rollcall lab up`."
        ) from error


def by_name(name: str) -> LabHost:
    """Find a host.

    Raises:
        RollcallError: the lab has no host of that name.
    """
    found = {host.name: host for host in size.hosts()}
    if name in found:
        return found[name]
    close = near_name(name, found)
    hint = f"did you mean {close}?" if close else f"expected one of {', '.join(found)}."
    raise RollcallError(f"The lab has no host {name}; {hint}")
