"""`rollcall exec` and `rollcall run`: run a command in a container of a service, or in a new one."""

import shlex
import subprocess
import sys
import uuid
from typing import TYPE_CHECKING, NoReturn

import click

from rollcall.cli.parameters import inventory_argument
from rollcall.cli.service import run_job
from rollcall.components.loading import checked_fleet
from rollcall.config.fleet import Fleet
from rollcall.config.inventory import Host, Inventory
from rollcall.did_you_mean import suggestion
from rollcall.errors import RollcallError
from rollcall.remote.run import DISCONNECTED, Shell
from rollcall.secrets.deployed import read_secrets

if TYPE_CHECKING:
    from rollcall.converge.resources import Container

host_option = click.option("--host", "name", metavar="HOST", help="The host; by default the first that can.")
command_argument = click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED, metavar="-- COMMAND...")
optional_command_argument = click.argument("command", nargs=-1, type=click.UNPROCESSED, metavar="[-- COMMAND...]")
# Ends what runs on a host, wherever it is: neither ssh nor `docker exec` forwards a signal.
INTERRUPT = (
    'for found in $(grep -lszx "$1" /proc/[0-9]*/environ); do p=${found%/environ}; kill -s INT "${p#/proc/}"; done'
)
MARK = "ROLLCALL_COMMAND"


@click.command("exec")
@inventory_argument
@click.argument("service", metavar="SERVICE")
@host_option
@command_argument
def exec(source: str, service: str, name: str | None, command: tuple[str, ...]) -> None:
    """Run a command in a running container of SERVICE: rollcall exec INVENTORY SERVICE -- sh.

    Interactive where this command is on a terminal. Exit code: the command's own.
    """
    chosen, fleet = checked_fleet(source)
    for host in _hosts(chosen, fleet, service, name):
        container = _running(host, service)
        if container:
            mark = f"{MARK}={uuid.uuid4().hex}"
            words = ["docker", "exec", *_interactive(), f"--env={mark}", container, *command]
            _end(host, shlex.join(words), mark)
    raise RollcallError(
        f"no container of {service} runs{f' on {name}' if name else ''}; see rollcall services {source}"
    )


@click.command()
@inventory_argument
@click.argument("service", metavar="SERVICE")
@host_option
@optional_command_argument
def run(source: str, service: str, name: str | None, command: tuple[str, ...]) -> None:
    """Run a command in a new container of SERVICE: rollcall run INVENTORY SERVICE -- bin/report.

    Without a command, and only for a job: its scheduler runs it now, unless it runs already.

    It has the declared image, environment, volumes and files, no port, and no place in Consul; it is removed when the
    command ends. Interactive where this command is on a terminal. Exit code: the command's own.
    """
    from rollcall.components import services
    from rollcall.converge import docker_commands, env_file
    from rollcall.services import declarations, jobs, one_off
    from rollcall.services.as_running import as_running

    chosen, fleet = checked_fleet(source)
    if not command:
        declarations.check_name(fleet, service)
        if service not in jobs.declared(fleet):
            raise click.UsageError("Missing argument '-- COMMAND...'.")
        run_job.run_now(source, chosen, fleet, service, name)
    host = _hosts(chosen, fleet, service, name)[0]
    secrets = read_secrets(source, chosen, fleet, "rollcall run").services
    member = as_running(fleet.member(host.name), _images(host))
    [declared] = [one for one in member.settings.services if one.name == service]
    container = services.container(fleet, member, declared, secrets)
    _check_deployed(host, container, source)
    unique = uuid.uuid4().hex
    own, mark = f"{service}-run-{unique[:8]}", f"{MARK}={unique}"
    options = [*_interactive(), f"--env={mark}"]
    if not container.secret_environment:
        _end(host, shlex.join(one_off.arguments(container, own, command, options)), mark)
    # Standard input is the command's own.
    file = Shell(host).read(env_file.made(), docker_commands.run_input(container)).strip()
    words = shlex.join(one_off.arguments(container, own, command, [*options, f"--env-file={file}"]))
    _end(host, f"{words}; code=$?; rm -f {file}; exit $code", mark)


def _hosts(chosen: Inventory, fleet: Fleet, service: str, name: str | None) -> list[Host]:
    """Return the hosts that declare the service. Raises RollcallError: none does, or not the one that is named."""
    from rollcall.services import declarations

    declarations.check_name(fleet, service)
    declaring = [one.host for one in declarations.declarations(fleet, service)]
    if name and name not in declaring:
        raise RollcallError(f"--host: got {name!r}, which has no {service}; {suggestion(name, declaring)}")
    return [host for host in chosen.hosts if host.name in ([name] if name else declaring)]


def _running(host: Host, service: str) -> str:
    """Return a running container of a service, the first one; "" if there is none."""
    from rollcall.services import commands, observed
    from rollcall.services.work import service_of, slot_of

    found = observed.containers(Shell(host).read(commands.inspect_all()))
    names = [one.name for one in found.values() if one.runs and service_of(one.name) == service]
    # The one that has the name before the one that is about to take it.
    return min(names, key=lambda own: (slot_of(own) != own, len(own), own), default="")


def _images(host: Host) -> dict[str, str]:
    """Return the images of a host's containers of services, by the containers' names."""
    from rollcall.services import commands, observed

    found = observed.containers(Shell(host).read(commands.inspect_all()))
    return {name: one.image for name, one in found.items()}


def _check_deployed(host: Host, container: "Container", source: str) -> None:
    """Check that the host has what the container is made of. Raises RollcallError: it was not deployed there."""
    files = [mount.source for mount in container.mounts if mount.source.startswith("/etc/rollcall/")]
    there = " && ".join(
        [
            f"docker image inspect {shlex.quote(container.image)} >/dev/null 2>&1",
            f"docker network inspect {shlex.quote(container.network)} >/dev/null 2>&1",
            *(f"[ -e {shlex.quote(file)} ]" for file in files),
        ]
    )
    if Shell(host).run(there).code:
        raise RollcallError(f"{host.name} does not have {container.image} as declared; run: rollcall deploy {source}")


def _interactive() -> list[str]:
    return ["--interactive", "--tty"] if _on_terminal() else ["--interactive"]


def _on_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()


def _end(host: Host, command: str, mark: str) -> NoReturn:
    """Run the command on the host and exit with its code; Ctrl-C interrupts it there, too."""
    options = ("-o", "RequestTTY=force") if _on_terminal() else ()
    process = subprocess.Popen(Shell(host, options).arguments(command), start_new_session=not options)
    try:
        code = process.wait()
    except KeyboardInterrupt:
        Shell(host, detached=True).run(f"set -- {shlex.quote(mark)}; {INTERRUPT}")
        try:
            process.wait()
        except KeyboardInterrupt:
            process.kill()
        raise
    if code == DISCONNECTED and host.connector == "ssh":
        raise RollcallError(f"lost the connection to {host.name}; the command may or may not have ended there")
    sys.exit(code)
