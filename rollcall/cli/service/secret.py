"""`rollcall secret`: set, list and remove the values of services' secrets."""

import os
import re
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from rollcall.cli.parameters import inventory_argument
from rollcall.components.loading import checked_fleet
from rollcall.config.fleet import Fleet
from rollcall.console import out
from rollcall.errors import RollcallError
from rollcall.secrets.deployed import folder_of, for_values

if TYPE_CHECKING:
    from rollcall.secrets.private_directory import PrivateDirectory


@click.group()
def secret() -> None:
    """Set, list and remove the secrets that services declare (docs/services.md)."""


@secret.command("set")
@inventory_argument
@click.argument("service")
@click.argument("name")
def set_(source: str, service: str, name: str) -> None:
    """Set the value of a secret, from a prompt without echo or from standard input.

    One line end at the end of standard input is not part of the value. The next deploy is a release of the service.
    """
    from rollcall.secrets.service_secrets import checked, of_service

    _check_names(service, name)
    fleet, folder = _open(source)
    value = checked(_value(), f"{service} {name}")
    of_service(folder, service).write(name, value)
    out.print(f"[green]Set[/] {service} {name}. {_undeclared(fleet, service, name)}Next: rollcall deploy {source}")


@secret.command("list")
@inventory_argument
@click.argument("service", required=False)
def list_(source: str, service: str | None) -> None:
    """List the secrets and whether each has a value; no value is shown."""
    from rollcall.secrets.service_secrets import declared

    fleet, folder = _open(source, draft=True)
    wanted, kept = declared(fleet), _kept(folder)
    found = sorted(one for one in wanted | kept.keys() if service in (None, one[0]))
    for which in found:
        out.print(f"{which[0]} {which[1]}: {_state(source, which, wanted, kept)}", markup=False)
    if not found:
        out.print(f"{service or 'No service'} declares {'no' if service else 'a'} secret; docs/services.md.")


@secret.command("remove")
@inventory_argument
@click.argument("service")
@click.argument("name")
def remove(source: str, service: str, name: str) -> None:
    """Remove the value of a secret from this machine; hosts lose it with the service's next deploy."""
    from rollcall.did_you_mean import suggestion
    from rollcall.secrets.service_secrets import declared, of_service

    _check_names(service, name)
    fleet, folder = _open(source, draft=True)
    kept = _kept(folder)
    if (service, name) not in kept:
        known = suggestion(f"{service} {name}", (" ".join(which) for which in kept))
        raise RollcallError(f"{service} {name} has no value here; {known}")
    of_service(folder, service).remove(name)
    still = " It is still declared, so a deploy will need a value." if (service, name) in declared(fleet) else ""
    out.print(f"[green]Removed[/] the value of {service} {name}.{still}")


def _check_names(service: str, name: str) -> None:
    from rollcall.config.service import SECRET_NAME_FORM, SECRET_NAME_PATTERN, SERVICE_NAME_PATTERN

    if not re.fullmatch(SERVICE_NAME_PATTERN, service):
        raise RollcallError(f"SERVICE: got {service!r}; expected the name of a service, such as shop")
    if not re.fullmatch(SECRET_NAME_PATTERN, name):
        # Not shown: it may hold a value, as in NAME=VALUE.
        raise RollcallError(f"NAME: expected {SECRET_NAME_FORM}; the value comes from the prompt or standard input")


def _open(source: str, *, draft: bool = False) -> "tuple[Fleet, PrivateDirectory]":
    from rollcall.secrets.private_directory import PrivateDirectory

    chosen, fleet = checked_fleet(source)
    return fleet, PrivateDirectory(for_values(folder_of(chosen.root, chosen.source), chosen.hosts), draft=draft)


def _value() -> str:
    if sys.stdin.isatty():
        return str(click.prompt("Value", hide_input=True, confirmation_prompt=True, err=True))
    try:
        return sys.stdin.buffer.read().decode().removesuffix("\n")
    except UnicodeDecodeError:
        raise RollcallError("standard input: got bytes that are not UTF-8; expected text, such as its base64") from None


def _undeclared(fleet: Fleet, service: str, name: str) -> str:
    from rollcall.did_you_mean import typo_of
    from rollcall.secrets.service_secrets import declared

    wanted = declared(fleet)
    if (service, name) in wanted:
        return ""
    meant = typo_of(name, [one for owner, one in wanted if owner == service])
    hint = f"did you mean {meant}?" if meant else f'add "{name}" to the secrets of {service}.'
    return f"No service declares it yet; {hint} "


def _kept(folder: "PrivateDirectory") -> dict[tuple[str, str], float]:
    """Return the time of the last change of each value in the directory."""
    services = folder.path / "services"
    files = [file for file in services.glob("*/*") if not file.name.endswith(".partial")]
    return {(file.parent.name, file.name): file.stat().st_mtime for file in files}


def _state(
    source: str, which: tuple[str, str], wanted: set[tuple[str, str]], kept: dict[tuple[str, str], float]
) -> str:
    from rollcall.secrets.service_secrets import deployers_variable

    if which not in wanted:
        return f"no service declares it; rollcall secret remove {source} {' '.join(which)}"
    if (variable := deployers_variable(*which)) in os.environ:
        return f"given by {variable}"
    if which in kept:
        return f"set at {datetime.fromtimestamp(kept[which], UTC):%Y-%m-%d %H:%M} UTC"
    return f"no value; rollcall secret set {source} {' '.join(which)}"
