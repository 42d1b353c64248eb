"""Render the files of users' services, each set below a directory that is named after its content.

A container keeps the files it started with: the next release's stand beside them.
"""

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from jinja2 import Environment, StrictUndefined, TemplateError

from rollcall.config import local_files
from rollcall.config.fleet import Member
from rollcall.config.service import Service, ServiceFile
from rollcall.converge.resources import Directory, File, Mount, Resource, configuration_digest
from rollcall.errors import RollcallError

FOLDER = "/etc/rollcall/services"
TEMPLATE_SUFFIX = ".j2"


@dataclass(frozen=True)
class ServiceFiles:
    """The resources of a service's files, and the mounts by which its containers read them."""

    resources: tuple[Resource, ...] = ()
    mounts: tuple[Mount, ...] = ()


def of(service: Service, member: Member) -> ServiceFiles:
    """Return the files of one host's service.

    Raises:
        RollcallError: a file is unreadable, or its template is faulty.
    """
    if not service.files:
        return ServiceFiles()
    texts = [text(file, service, member) for file in service.files]
    named = [
        File(f"/{number}-{PurePosixPath(file.target).name}", content, int(file.mode, 8))
        for number, (file, content) in enumerate(zip(service.files, texts, strict=True), 1)
    ]
    folder = f"{FOLDER}/{service.name}"
    inner = f"{folder}/{configuration_digest(named)}"
    files = [File(f"{inner}{file.path}", file.text, file.mode) for file in named]
    return ServiceFiles(
        (Directory(FOLDER, 0o700), Directory(folder, 0o700), Directory(inner, 0o700), *files),
        tuple(Mount(file.path, given.target) for file, given in zip(files, service.files, strict=True)),
    )


def digest(service: Service, member: Member) -> str:
    """Return a digest of the files of one host's service; empty without files. Raises as `of` does."""
    return "\n".join(PurePosixPath(mount.source).parent.name for mount in of(service, member).mounts[:1])


def text(file: ServiceFile, service: Service, member: Member) -> str:
    """Return the text of one file.

    Raises:
        RollcallError: it is unreadable or not UTF-8, or its template is faulty.
    """
    path = local_files.found(file.source)
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


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except OSError as problem:
        raise RollcallError(f"{path}: {problem.strerror}; expected a readable file") from None
    except UnicodeDecodeError:
        raise RollcallError(f"{path}: got other bytes than UTF-8; expected a text file") from None
