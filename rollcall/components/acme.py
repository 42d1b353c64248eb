"""Describe the ACME program beside a front: it orders the certificates of the names that the front routes."""

import json
from collections.abc import Iterator

from rollcall.components.component import Check, Component, Context
from rollcall.components.front import ACME_VOLUME
from rollcall.config import local_files
from rollcall.config.fleet import Fleet, Locate, Member
from rollcall.config.settings import Acme
from rollcall.contract import acme_files, local_agent, timeouts
from rollcall.converge.resources import Container, Directory, File, Mount, Resource, Tmpfs, Volume, configuration_digest
from rollcall.errors import RollcallError
from rollcall.secrets import front_secrets
from rollcall.secrets.store import Secrets

FOLDER = "/etc/rollcall/acme"
# The user nginx of the front's image, so that both may read and write the volume.
OWNER = "101:101"
# MiB: measured 91 at most, with eight orders at a time and 101 certificates.
MEMORY = 192
PIDS = 64
STAGING = "https://acme-staging-v02.api.letsencrypt.org/directory"


def resources(context: Context) -> tuple[Resource, ...]:
    """Return the resources of one host's ACME program; none without front.acme."""
    member = context.member
    acme = settings(member)
    if acme is None:
        return ()
    files = _files(context.fleet, member, acme, context.secrets)
    return (
        Directory(FOLDER, 0o700, OWNER),
        *((Directory(f"{FOLDER}/{acme_files.HOOK_SECRETS}", 0o700, OWNER),) if acme.dns else ()),
        *files,
        # Shared with the front: it reads certificates and challenges, and writes the names that it wants.
        Volume(ACME_VOLUME),
        Container(
            name="acme",
            component="acme",
            image=member.image(acme.image),
            image_source=member.image_source(acme.image, acme.image_source),
            environment=(("SERVICE_IGNORE", "true"), *timeouts.environment(member.settings.timeout_factor)),
            # To reach the agent at its loopback address, and the fronts as the host does.
            network="host",
            hostname=member.node,
            mounts=(Mount(FOLDER, FOLDER), Mount(ACME_VOLUME, str(acme_files.FOLDER), read_only=False)),
            tmpfs=(Tmpfs("/run/rollcall/acme", "uid=101,gid=101,mode=0700,size=1m"),),
            user=OWNER,
            memory=MEMORY,
            pids=PIDS,
            configuration=configuration_digest(files),
        ),
    )


def settings(member: Member) -> Acme | None:
    """Return the settings of a front's ACME program; None on hosts without one."""
    return member.settings.front.acme if member.is_front else None


def _files(fleet: Fleet, member: Member, acme: Acme, secrets: Secrets) -> tuple[File, ...]:
    files = [
        _file("acme.json", acme_config(fleet, member, acme), 0o644),
        _file("token", secrets.tokens.secret("acme", member.node) + "\n"),
        # The first encrypts; others decrypt, during a rotation.
        _file("key", "".join(f"{key}\n" for key in (secrets.acme_key, *secrets.other_acme_keys))),
    ]
    names = acme.dns.secrets if acme.dns else ()
    values = {name: secrets.services.value(front_secrets.OWNER, name) for name in names}
    of_hook = (_file(f"{acme_files.HOOK_SECRETS}/{name}", value, 0o400) for name, value in values.items())
    return (*files, *_given(acme), *of_hook)


def _given(acme: Acme) -> Iterator[File]:
    """Read the user's own files. Raises RollcallError: one cannot be read, or is not what it should be."""
    if acme.eab:
        yield _file("eab.key", _read("eab.key", acme.eab.key))
    if acme.authority:
        yield _file("authority.pem", _read("authority", acme.authority), 0o644)
    if acme.dns:
        yield _file(acme_files.HOOK, _read_hook(acme.dns.hook), 0o700)


def acme_config(fleet: Fleet, member: Member, acme: Acme) -> str:
    """Return the settings of the program as JSON (rollcall/acme/settings.py)."""
    fronts = [one for one in fleet.members if one.is_front]
    config = {
        "node": member.node,
        "consul": local_agent.AUTHORITY,
        "email": acme.email,
        "names": acme.names,
        "directory": STAGING if acme.staging else acme.directory,
        "profile": acme.profile,
        "eab_id": acme.eab.id if acme.eab else "",
        "authority": acme.authority is not None,
        "fronts": [_front(one) for one in fronts],
        "dns": {"environment": acme.dns.environment, "secrets": acme.dns.secrets} if acme.dns else None,
        "addresses": sorted({address for one in fronts for address in _addresses(one)}),
    }
    return json.dumps(config, indent=2) + "\n"


def _front(member: Member) -> dict[str, object]:
    front = member.settings.front
    return {
        "address": front.address or member.address,
        "port": front.http_port,
        "proxy_protocol": front.proxy_protocol,
    }


def _addresses(member: Member) -> tuple[str, ...]:
    front = member.settings.front
    shared = front.virtual_address.partition("/")[0]
    return tuple(address for address in (member.address, front.address, shared) if address)


def _file(name: str, text: str, mode: int = 0o600) -> File:
    return File(f"{FOLDER}/{name}", text, mode, OWNER)


def _read(key: str, path: str) -> str:
    """Read a file that a setting names.

    Raises:
        RollcallError: it cannot be read.
    """
    return local_files.read_ascii(path, f"front.acme.{key}: got {path!r}", "it is not ASCII text")


def _read_hook(path: str) -> str:
    """Read the program that changes DNS.

    Raises:
        RollcallError: it cannot be read, or does not say what runs it.
    """
    text = _read("dns.hook", path)
    if not text.startswith("#!"):
        raise RollcallError(
            f"front.acme.dns.hook: got {path!r}, which does not say what runs it; "
            'expected a first line such as "#!/usr/bin/env python3"'
        )
    return text


def check_secrets(fleet: Fleet, secrets: Secrets, inventory: str, locate: Locate) -> Iterator[str]:
    """Say in a sentence which secret of the program that changes DNS has no value."""
    for member in fleet.fronts:
        acme = settings(member)
        for number, name in enumerate(acme.dns.secrets if acme and acme.dns else ()):
            if not secrets.services.value(front_secrets.OWNER, name):
                where = locate(member.name, ("front", "acme", "dns", "secrets", number))
                command = f"rollcall secret set {inventory} {front_secrets.OWNER} {name}"
                yield f"{where}front.acme.dns.secrets[{number}]: got {name!r} without a value; expected one: {command}"


def validate(check: Check) -> None:
    """Raise RollcallError if a file is missing, or two settings exclude each other."""
    acme = settings(check.member)
    if acme is None:
        return
    locate = check.locate(check.member.name, ("front", "acme"))
    if acme.staging and "directory" in acme.model_fields_set:
        raise RollcallError(
            f"{locate}front.acme: got staging and directory; expected one of them (staging is Let's Encrypt's own)"
        )
    try:
        tuple(_given(acme))
    except RollcallError as problem:
        raise RollcallError(f"{locate}{problem}") from None


COMPONENT = Component("acme", resources, containers=("acme",), volumes=(ACME_VOLUME,), validate=validate)
