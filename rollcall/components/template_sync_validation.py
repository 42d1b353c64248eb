"""Validate users' own templates before any host is touched."""

from collections.abc import Collection

from rollcall.components.component import Check
from rollcall.config import local_files
from rollcall.config.fleet import Locate, Member
from rollcall.config.settings import Template
from rollcall.did_you_mean import near_name
from rollcall.errors import RollcallError

# The container that writes a destination mounts its whole directory.
TOO_WIDE = {
    f"/{name}"
    for name in ("bin", "boot", "etc", "home", "lib", "mnt", "opt", "root", "run", "sbin", "srv", "usr", "var")
}
NOT_FOR_FILES = ("/dev/", "/proc/", "/sys/")
_TEMPLATES = ("template_sync", "templates")
OURS = ("/etc/rollcall/", "/run/rollcall/", "/var/lib/rollcall/")


def validate(check: Check) -> None:
    """Validate one host's templates.

    Raises:
        RollcallError: the first fault.
    """
    member, locate = check.member, check.locate
    for position, template in enumerate(member.settings.template_sync.templates):
        before = member.settings.template_sync.templates[:position]
        for key, fault in (
            ("name", _name(template, before)),
            ("destination", _destination(template, before)),
            ("container", _container(template, check.reserved)),
            ("source", _source(template)),
        ):
            if fault:
                where = locate(member.name, (*_TEMPLATES, position, key))
                raise RollcallError(
                    f"{where}template_sync.templates[{position}].{key}: got {getattr(template, key)!r}{fault}"
                )


def unknown_container(member: Member, existing: Collection[str], coming: Collection[str], locate: Locate) -> str:
    """Return an error if a template names a container that the host neither has nor gets by this deploy, otherwise "".

    Args:
        member: the host.
        existing: the names of its containers.
        coming: the names of the containers that the deploy creates.
        locate: returns a setting's location.
    """
    for position, template in enumerate(member.settings.template_sync.templates):
        if not template.container or template.container in (*existing, *coming):
            continue
        close = near_name(template.container, {*existing, *coming})
        hint = f"did you mean {close}?" if close else "start it before the deploy"
        where = locate(member.name, (*_TEMPLATES, position, "container"))
        return (
            f"{where}template_sync.templates[{position}].container: got {template.container!r}; "
            f"expected a container of {member.name}; {hint}"
        )
    return ""


def read_source(path: str) -> str:
    """Read a user's template on this machine. Raises OSError, UnicodeDecodeError."""
    return local_files.found(path).read_text(encoding="utf-8")


def _name(template: Template, before: Collection[Template]) -> str:
    if template.name in [other.name for other in before]:
        return " a second time; expected a different name for each template"
    return ""


def _destination(template: Template, before: Collection[Template]) -> str:
    path = template.destination
    if path in [other.destination for other in before]:
        return " a second time; expected one template for each file"
    if path.startswith(OURS):
        return ", which is in Rollcall's own directory; expected a file of the service's own"
    folder = path.rpartition("/")[0]
    if folder in TOO_WIDE or path.startswith(NOT_FOR_FILES):
        return (
            f", whose whole directory {folder} the templates could write to; "
            'expected a directory of the service\'s own, such as "/etc/haproxy/haproxy.cfg"'
        )
    return ""


def _container(template: Template, our_containers: Collection[str]) -> str:
    if template.container in our_containers:
        return ", which is Rollcall's own; expected the container of the service that reads the file"
    return ""


def _source(template: Template) -> str:
    try:
        read_source(template.source)
    except OSError as problem:
        return (
            f", but {local_files.found(template.source)} cannot be read: {problem.strerror}; "
            "expected a template for consul-template on this machine"
        )
    except UnicodeDecodeError:
        return ", which is not UTF-8; expected a template for consul-template"
    return ""
