"""`rollcall secret`: set, list and remove the values of services' secrets, and the logins of registries."""

import os
import re
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

import click

from rollcall.cli.parameters import inventory_argument
from rollcall.components.loading import checked_fleet
from rollcall.config.fleet import Fleet
from rollcall.console import out
from rollcall.errors import RollcallError
from rollcall.secrets.deployed import folder_of, for_values

if TYPE_CHECKING:
    from rollcall.secrets.private_directory import PrivateDirectory


Function = TypeVar("Function", bound=Callable[..., None])


@click.group()
def secret() -> None:
    """Set, list and remove the secrets that services declare, and logins of image registries (docs/services.md)."""


def _which(function: Function) -> Function:
    """Add what a secret is named by: a service and a name, or a registry."""
    registry = click.option("--registry", metavar="HOST", help="The login of an image registry, such as ghcr.io.")
    return click.argument("service", required=False)(click.argument("name", required=False)(registry(function)))


@secret.command("set")
@inventory_argument
@_which
@click.option("--username", help="The user of the registry.")
def set_(source: str, service: str | None, name: str | None, registry: str | None, username: str | None) -> None:
    """Set the value of a secret, from a prompt without echo or from standard input.

    Either a service's: rollcall secret set INVENTORY SERVICE NAME. The next deploy is a release of the service.
    Or the password of a registry: rollcall secret set INVENTORY --registry HOST --username USER.
    One line end at the end of standard input is not part of the value.
    """
    from rollcall.secrets.service_secrets import checked, of_service

    if _names_registry(service, name, registry):
        _set_login(source, str(registry), username)
        return
    service, name = str(service), str(name)
    if username:
        raise RollcallError("--username: got it without --registry; expected both, or neither")
    fleet, folder = _open(source)
    value = checked(_value("Value"), f"{service} {name}")
    of_service(folder, service).write(name, value)
    out.print(f"[green]Set[/] {service} {name}. {_undeclared(fleet, service, name)}Next: rollcall deploy {source}")


def _set_login(source: str, registry: str, username: str | None) -> None:
    from rollcall.secrets.registry_logins import Login, directory, text
    from rollcall.secrets.service_secrets import checked

    if not username:
        raise RollcallError(f"--registry {registry}: expected the user, too: --username USER")
    _, folder = _open(source)
    password = checked(_value("Password"), f"the password of {registry}")
    directory(folder).write(registry, text(Login(username, password)))
    out.print(f"[green]Set[/] the login of {registry}. Hosts get it only while they pull an image.")


@secret.command("list")
@inventory_argument
@click.argument("service", required=False)
def list_(source: str, service: str | None) -> None:
    """List the secrets and whether each has a value; no value is shown."""
    from rollcall.secrets.service_secrets import declared

    fleet, folder = _open(source, draft=True)
    wanted, kept = declared(fleet), _kept(folder)
    for (what, host), time in _logins(folder).items() if service is None else ():
        out.print(f"{what} {host}: set at {_shown(time)}", markup=False)
    found = sorted(one for one in wanted | kept.keys() if service in (None, one[0]))
    for which in found:
        out.print(f"{which[0]} {which[1]}: {_state(source, which, wanted, kept)}", markup=False)
    if not found:
        out.print(f"{service or 'No service'} declares {'no' if service else 'a'} secret; docs/services.md.")


@secret.command("remove")
@inventory_argument
@_which
def remove(source: str, service: str | None, name: str | None, registry: str | None) -> None:
    """Remove the value of a secret from this machine; hosts lose it with the service's next deploy."""
    from rollcall.did_you_mean import suggestion
    from rollcall.secrets import registry_logins
    from rollcall.secrets.service_secrets import declared, of_service

    is_login = _names_registry(service, name, registry)
    fleet, folder = _open(source, draft=True)
    which = ("the login of", str(registry)) if is_login else (str(service), str(name))
    kept = _logins(folder) if is_login else _kept(folder)
    if which not in kept:
        known = suggestion(" ".join(which), map(" ".join, kept))
        raise RollcallError(f"{' '.join(which)} has no value here; {known}")
    owner = registry_logins.directory(folder) if is_login else of_service(folder, which[0])
    owner.remove(which[1])
    still = " It is still declared, so a deploy will need a value." if which in declared(fleet) else ""
    out.print(f"[green]Removed[/] the value of {' '.join(which)}.{still}")


def _names_registry(service: str | None, name: str | None, registry: str | None) -> bool:
    """Return whether a registry is named, not a secret of a service. Raises RollcallError: neither, or both."""
    from rollcall.secrets.registry_logins import HOST_PATTERN

    if registry is None and service and name:
        _check_names(service, name)
        return False
    if registry is None or service or name:
        raise RollcallError("expected SERVICE and NAME of a secret, or --registry HOST")
    if not re.fullmatch(HOST_PATTERN, registry):
        raise RollcallError(f'--registry: got {registry!r}; expected a host, such as "ghcr.io" or "docker.io"')
    return True


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


def _value(what: str) -> str:
    if sys.stdin.isatty():
        return str(click.prompt(what, hide_input=True, confirmation_prompt=True, err=True))
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
    owners = {owner for owner, _ in wanted} | {one.name for member in fleet.members for one in member.settings.services}
    if service not in owners and (owner := typo_of(service, owners)):
        hint = f"did you mean {owner} {name}?"
    return f"No service declares it yet; {hint} "


def _kept(folder: "PrivateDirectory") -> dict[tuple[str, str], float]:
    """Return the time of the last change of each value in the directory."""
    from rollcall.secrets import service_secrets
    from rollcall.secrets.private_directory import complete_files

    files = complete_files(folder.path / service_secrets.FOLDER, "*/*")
    return {(file.parent.name, file.name): file.stat().st_mtime for file in files}


def _logins(folder: "PrivateDirectory") -> dict[tuple[str, str], float]:
    """Return the time of the last change of each registry's login."""
    from rollcall.secrets import registry_logins
    from rollcall.secrets.private_directory import complete_files

    files = complete_files(folder.path / registry_logins.FOLDER)
    return {("the login of", file.name): file.stat().st_mtime for file in files}


def _shown(time: float) -> str:
    return f"{datetime.fromtimestamp(time, UTC):%Y-%m-%d %H:%M} UTC"


def _state(
    source: str, which: tuple[str, str], wanted: set[tuple[str, str]], kept: dict[tuple[str, str], float]
) -> str:
    from rollcall.secrets.service_secrets import deployers_variable

    if which not in wanted:
        return f"no service declares it; rollcall secret remove {source} {' '.join(which)}"
    if (variable := deployers_variable(*which)) in os.environ:
        return f"given by {variable}"
    if which in kept:
        return f"set at {_shown(kept[which])}"
    return f"no value; rollcall secret set {source} {' '.join(which)}"
