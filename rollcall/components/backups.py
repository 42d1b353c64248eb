"""Describe the program beside each Consul server that saves Consul's state while that server leads."""

import re

from rollcall.components.component import Check, Component, Context
from rollcall.components.consul import OWNER, RPC
from rollcall.components.template_files import source
from rollcall.config import forms
from rollcall.config.fleet import Fleet, Member
from rollcall.config.settings import Backups
from rollcall.contract import local_agent
from rollcall.contract.backups import KEY
from rollcall.converge.resources import Container, Directory, File, Mount, Resource, Tmpfs, configuration_digest
from rollcall.errors import RollcallError

NAME = "consul-backups"
FOLDER = "/etc/rollcall/backups"
SETTINGS = f"{FOLDER}/settings"
_PROGRAM = f"{FOLDER}/backups.sh"
COMMAND = ("sh", _PROGRAM)
_DIRECTORY = re.compile(r"^DIRECTORY=(.+)$", re.MULTILINE)
# MiB: a check reads a whole snapshot by the consul program, which takes about 70.
MEMORY = 256
PIDS = 64
# Seconds for one snapshot.
TIMEOUT = 300
LONGEST_POLL_SECONDS = 30


def resources(context: Context) -> tuple[Resource, ...]:
    """Return the resources of one server's program; none on clients, and without consul_server.backups."""
    member = context.member
    backups = settings(member)
    if backups is None:
        return ()
    read_at_start = (File(_PROGRAM, program_file()), File(SETTINGS, settings_file(member)))
    # Consul gives snapshots only to a token that may write ACLs; the servers have this one in their configuration.
    token = File(f"{FOLDER}/token", context.secrets.tokens.secret("management") + "\n", 0o600, OWNER)
    return (
        Directory(FOLDER, 0o700, OWNER),
        *read_at_start,
        token,
        Directory(backups.directory, 0o700, OWNER),
        Container(
            name=NAME,
            component="backups",
            image=member.settings.consul.image,
            image_source=member.image_source(member.settings.consul.image, member.settings.consul.image_source),
            command=COMMAND,
            environment=(("SERVICE_IGNORE", "true"),),
            # The agent's address is loopback.
            network="host",
            hostname=member.node,
            mounts=(Mount(FOLDER, FOLDER), Mount(backups.directory, backups.directory, read_only=False)),
            tmpfs=(Tmpfs("/tmp"),),  # noqa: S108 - inside the container
            user=OWNER,
            memory=MEMORY,
            pids=PIDS,
            configuration=configuration_digest(read_at_start),
        ),
    )


def program_file() -> str:
    """Return the text of the program."""
    return source("backups/backups.sh")


def settings_file(member: Member) -> str:
    """Return what a server's program reads at its start."""
    backups = member.settings.consul_server.backups or Backups()
    every = forms.seconds(backups.every)
    values = {
        "EVERY": every,
        "POLL": min(LONGEST_POLL_SECONDS, max(1, every // 10)),
        "KEEP": backups.keep,
        "NODE": member.node,
        "RPC": f"{member.address}:{RPC.ports.start}",
        "API": f"{local_agent.URL}/v1",
        "DIRECTORY": backups.directory,
        "KEY": KEY,
        "TIMEOUT": TIMEOUT * member.settings.timeout_factor,
    }
    return "".join(f"{name}={value}\n" for name, value in values.items())


def settings(member: Member) -> Backups | None:
    """Return the settings of a server's backups; None on other hosts, and without them."""
    return member.settings.consul_server.backups if member.is_server else None


def directory(member: Member) -> str:
    """Return where a server keeps snapshots, also without backups in time."""
    return (settings(member) or Backups()).directory


def every(fleet: Fleet) -> int:
    """Return the seconds between two backups of a fleet; 0 if it makes none."""
    found = settings(fleet.servers[0])
    return forms.seconds(found.every) if found else 0


def validate(check: Check) -> None:
    """Raise RollcallError unless all servers make the same backups, since any of them may lead."""
    first = check.fleet.servers[0]
    if not check.member.is_server:
        return
    ours, theirs = (_schedule(settings(member)) for member in (first, check.member))
    if ours != theirs:
        raise RollcallError(
            f"{check.locate(check.member.name, ('consul_server', 'backups'))}consul_server.backups: got {theirs} for "
            f"{check.member.name} and {ours} for {first.name}; expected the same for all servers, in "
            "group_data/consul_servers.py"
        )


def _schedule(backups: Backups | None) -> str:
    return f"{backups.keep} of every {backups.every}" if backups else "none"


def ended(member: Member, before: str) -> str:
    """Say where the backups stay if a deploy removes this host's program, otherwise "".

    Args:
        member: the host.
        before: the text of SETTINGS, as last deployed.
    """
    return "" if settings(member) else left(member, before)


def left(member: Member, before: str) -> str:
    """Say where a host's backups stay without its program; "" if it had none."""
    found = _DIRECTORY.search(before)
    if found is None:
        return ""
    return (
        f"{member.name} makes no more backups of Consul; those that it has stay in {found[1]}, with every token and "
        f"key of the fleet in them; to remove them: rm -r {found[1]}"
    )


COMPONENT = Component("Backups", resources, containers=(NAME,), validate=validate)
