"""Render the files of users' services, each set below a directory that is named after its content.

A container keeps the files it started with: the next release's stand beside them.
"""

from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from jinja2 import Environment, StrictUndefined, TemplateError

from rollcall.components import template_files
from rollcall.config import local_files
from rollcall.config.fleet import Member
from rollcall.config.service import ISSUED, KEY, Service, ServiceFile
from rollcall.converge import image_user
from rollcall.converge.resources import Directory, File, Mount, Resource, configuration_digest
from rollcall.errors import RollcallError
from rollcall.secrets.service_secrets import ServiceSecrets

FOLDER = "/etc/rollcall/services"
TEMPLATE_SUFFIX = ".j2"
# How the path of a file begins that Rollcall ships.
SHIPPED = "templates/"


@dataclass(frozen=True)
class ServiceFiles:
    """The resources of a service's files, and the mounts by which its containers read them."""

    resources: tuple[Resource, ...] = ()
    mounts: tuple[Mount, ...] = ()


def of(service: Service, member: Member, secrets: ServiceSecrets) -> ServiceFiles:
    """Return the files of one host's service.

    Raises:
        RollcallError: a file is unreadable, or its template is faulty.
    """
    if not service.files:
        return ServiceFiles()
    named = [_named(file, number, service, member, secrets) for number, file in enumerate(service.files, 1)]
    image = member.image(service.image)
    # Containers of another image keep files of their own, which its user need not be able to read.
    of_image = [] if all(file.owner for file in named) else [File("image", image)]
    folder = f"{FOLDER}/{service.name}"
    inner = f"{folder}/{configuration_digest([*named, *of_image])}"
    files = [replace(file, path=f"{inner}{file.path}") for file in named]
    files = [file if file.owner else replace(file, notify=image_user.own(image, [file.path])) for file in files]
    return ServiceFiles(
        (Directory(FOLDER, 0o700), Directory(folder, 0o700), Directory(inner, 0o700), *files),
        tuple(Mount(file.path, given.target) for file, given in zip(files, service.files, strict=True)),
    )


def digest(service: Service, member: Member) -> str:
    """Return a digest of the project's files of one host's service; empty without any.

    Raises:
        RollcallError: as `of`. A renewed certificate is no other version of the service.
    """
    own = [
        _named(file, number, service, member, ServiceSecrets())
        for number, file in enumerate(service.files, 1)
        if not is_issued(file)
    ]
    return configuration_digest(own) if own else ""


def is_issued(file: ServiceFile) -> bool:
    """Return whether the fleet issues the file, which is no file of the project then."""
    return file.source in ISSUED


def _named(file: ServiceFile, number: int, service: Service, member: Member, secrets: ServiceSecrets) -> File:
    """Return a file by its name below the directory of all; without an owner, it is the image's user."""
    content = _issued(file, service, secrets) if is_issued(file) else text(file, service, member)
    is_key = file.source == KEY
    owner = file.owner or (service.user if is_key else "0:0")
    uid, _, gid = owner.partition(":")
    mode = file.mode or ("0400" if is_key else "0644")
    path = f"/{number}-{PurePosixPath(file.target).name}"
    return File(path, content, int(mode, 8), f"{uid}:{gid or 0}" if owner else "")


def _issued(file: ServiceFile, service: Service, secrets: ServiceSecrets) -> str:
    certificate = secrets.certificates[service.name]
    return certificate.key if file.source == KEY else certificate.certificate


def text(file: ServiceFile, service: Service, member: Member) -> str:
    """Return the text of one file.

    Raises:
        RollcallError: it is unreadable or not UTF-8, or its template is faulty.
    """
    path = _path(file.source)
    content = _read(path)
    if path.suffix != TEMPLATE_SUFFIX:
        return content
    try:
        # No HTML escaping: templates render configuration.
        environment = Environment(undefined=StrictUndefined, keep_trailing_newline=True)  # noqa: S701
        return environment.from_string(content).render(host=member.node, address=member.address, service=service.name)
    except TemplateError as problem:
        raise RollcallError(
            f"{path}: {problem.message}; expected a Jinja template of host, address and service"
        ) from None


def _path(source: str) -> Path:
    """Return where a file stands: in the project, or else among the templates that Rollcall ships."""
    own, shipped = local_files.found(source), template_files.SHIPPED.parent / source
    return shipped if source.startswith(SHIPPED) and shipped.is_file() and not own.exists() else own


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except OSError as problem:
        raise RollcallError(f"{path}: {problem.strerror}; expected a readable file") from None
    except UnicodeDecodeError:
        raise RollcallError(f"{path}: got other bytes than UTF-8; expected a text file") from None
