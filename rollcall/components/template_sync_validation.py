"""What can be wrong with templates of the user's own, said in one sentence before anything is touched."""

from collections.abc import Collection
from difflib import get_close_matches

from rollcall.components.component import Check
from rollcall.config import local_files
from rollcall.config.fleet import Locate, Member
from rollcall.config.settings import Template
from rollcall.errors import RollcallError

# The whole directory of a destination is mounted into the container that writes it.
TOO_WIDE = {
    f"/{name}"
    for name in ("bin", "boot", "etc", "home", "lib", "mnt", "opt", "root", "run", "sbin", "srv", "usr", "var")
}
NOT_FOR_FILES = ("/dev/", "/proc/", "/sys/")
OURS = ("/etc/rollcall/", "/run/rollcall/", "/var/lib/rollcall/")


def validate(check: Check) -> None:
    """Look at one host's templates.

    Raises:
        RollcallError: the first thing that is wrong.
    """
    one, locate = check.member, check.locate
    for position, template in enumerate(one.settings.templates):
        before = one.settings.templates[:position]
        for key, wrong in (
            ("name", _name(template, before)),
            ("destination", _destination(template, before)),
            ("container", _container(template, check.reserved)),
            ("source", _source(template)),
        ):
            if wrong:
                where = locate(one.name, ("templates", position, key))
                raise RollcallError(f"{where}templates[{position}].{key} is {getattr(template, key)!r}, {wrong}")


def unknown_container(one: Member, existing: Collection[str], coming: Collection[str], locate: Locate) -> str:
    """Say which container a template names that the host neither has nor gets by this deploy; nothing if there is none.

    Args:
        one: the host.
        existing: the names of its containers.
        coming: those of the containers that the deploy makes.
        locate: says where a setting stands.
    """
    for position, template in enumerate(one.settings.templates):
        if not template.container or template.container in (*existing, *coming):
            continue
        close = get_close_matches(template.container, sorted({*existing, *coming}), n=1)
        right = f"did you mean {close[0]}?" if close else "start it before the deploy"
        where = locate(one.name, ("templates", position, "container"))
        return (
            f"{where}templates[{position}].container is {template.container!r}, "
            f"and {one.name} has no container of that name; {right}"
        )
    return ""


def read_source(path: str) -> str:
    """Read a template of the user's on this machine. Raises OSError, UnicodeDecodeError."""
    return local_files.found(path).read_text(encoding="utf-8")


def _name(template: Template, before: Collection[Template]) -> str:
    if template.name in [other.name for other in before]:
        return "for the second time; expected a different name for each"
    return ""


def _destination(template: Template, before: Collection[Template]) -> str:
    path = template.destination
    if path in [other.destination for other in before]:
        return "for the second time; expected one template for each file"
    if path.startswith(OURS):
        return "which is in a directory of Rollcall's; expected a file of the service's own"
    folder = path.rpartition("/")[0]
    if folder in TOO_WIDE or path.startswith(NOT_FOR_FILES):
        return (
            f"and its whole directory {folder} would be open to the templates; "
            'expected a directory of the service\'s own, such as "/etc/haproxy/haproxy.cfg"'
        )
    return ""


def _container(template: Template, our_containers: Collection[str]) -> str:
    if template.container in our_containers:
        return "which is a part of Rollcall; expected the container of the service that reads the file"
    return ""


def _source(template: Template) -> str:
    try:
        read_source(template.source)
    except OSError as problem:
        return (
            f"but {local_files.found(template.source)} cannot be read: {problem.strerror}; "
            "expected a template for consul-template on this machine"
        )
    except UnicodeDecodeError:
        return "which is not UTF-8; expected a template for consul-template"
    return ""
