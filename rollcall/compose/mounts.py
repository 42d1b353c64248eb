"""Import what a service's containers see of volumes, files, secrets and memory."""

from pathlib import Path
from typing import Any

from rollcall.compose.document import Where
from rollcall.compose.draft import Draft
from rollcall.compose.entries import each, handle
from rollcall.compose.values import UnmappedError, mebibytes, text
from rollcall.config import local_files

# Options of a mount that mean nothing more here.
_HARMLESS = frozenset({"rw", "z", "Z", "cached", "delegated", "consistent", "nocopy"})
_READ_ONLY = "ro"


def volumes(draft: Draft, where: Where, value: Any) -> None:
    """Import `volumes`."""
    for place, item in each(draft, where, value):
        handle(draft, place, _long(item), _volume)


def _long(item: Any) -> dict[str, Any]:
    """Return a volume in Compose's long form."""
    if isinstance(item, dict):
        return item
    source, target, *options = [*text(item).split(":"), ""][:3] if ":" in text(item) else ["", text(item)]
    given = [option for option in "".join(options).split(",") if option]
    kind = "bind" if source.startswith(("/", ".", "~")) else "volume"
    other = [option for option in given if option not in _HARMLESS and option != _READ_ONLY]
    return {"type": kind, "source": source, "target": target, "read_only": _READ_ONLY in given, "options": other}


def _volume(draft: Draft, where: Where, volume: dict[str, Any]) -> None:
    kind, source, target = (text(volume.get(key) or "") for key in ("type", "source", "target"))
    if kind == "tmpfs":
        size = volume["tmpfs"].get("size") if isinstance(volume.get("tmpfs"), dict) else None
        draft.add(where, ("options", "tmpfs"), [_tmpfs(target, size)])
        return
    if kind not in ("volume", "bind"):
        raise UnmappedError(f"got a mount of the type {kind!r}; expected a volume, a bind or a tmpfs")
    if volume.get("options"):
        raise UnmappedError(f"got the options {', '.join(volume['options'])}; a volume is read_only or not")
    if not source:
        raise UnmappedError(f"got a volume without a name; expected one, such as data:{target}")
    read_only = {"read_only": True} if volume.get("read_only") is True else {}
    if not source.startswith((".", "~")):
        draft.add(where, ("volumes",), [{"source": source, "target": target, **read_only}])
        return
    _file(draft, where, source, target)


def _file(draft: Draft, where: Where, source: str, target: str) -> None:
    """Import a file beside the Compose file, which a deploy copies."""
    path = draft.notes.document.path.parent / Path(source).expanduser()
    if not path.exists():
        raise UnmappedError(f"there is no {path}; expected a file, which a deploy copies to the hosts")
    if not path.is_file():
        raise UnmappedError(
            f"{source} is no single file, which files takes; a volume can be a directory of the host, by absolute path"
        )
    draft.add(where, ("files",), [{"source": _from_here(path), "target": target}])


def _from_here(path: Path) -> str:
    """Return a path as a declaration names it: inside the project, relative to it."""
    path, here = path.resolve(), local_files.found("").resolve()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def tmpfs(draft: Draft, where: Where, value: Any) -> None:
    """Import `tmpfs`."""
    for place, item in each(draft, where, value):
        handle(draft, place, item, _short_tmpfs)


def _short_tmpfs(draft: Draft, where: Where, item: Any) -> None:
    target, _, options = text(item).partition(":")
    sizes = [option.partition("=")[2] for option in options.split(",") if option.startswith("size=")]
    draft.add(where, ("options", "tmpfs"), [_tmpfs(target, sizes[0] if sizes else None)])


def _tmpfs(target: str, size: Any) -> dict[str, Any]:
    return {"target": target} if size is None else {"target": target, "size": mebibytes(size)}


def secrets(draft: Draft, where: Where, value: Any) -> None:
    """Import `secrets`."""
    for place, item in each(draft, where, value):
        handle(draft, place, item, _secret)


def _secret(draft: Draft, where: Where, item: Any) -> None:
    given = item if isinstance(item, dict) else {"source": item}
    source = text(given.get("source"))
    target = text(given.get("target") or source).removeprefix("/run/secrets/")
    if target != source:
        raise UnmappedError(f"got the target {target!r}; a secret stands in /run/secrets under its own name {source!r}")
    draft.add(where, ("secrets",), [source])
    _ignored(draft, where, given, "only the program's user reads the file; secrets_owner names another")


def configs(draft: Draft, where: Where, value: Any) -> None:
    """Import `configs`, whose files stand at the top of the Compose file."""
    for place, item in each(draft, where, value):
        handle(draft, place, item, _config)


def _config(draft: Draft, where: Where, item: Any) -> None:
    given = item if isinstance(item, dict) else {"source": item}
    name = text(given.get("source"))
    top = draft.notes.document.content.get("configs")
    config = top.get(name) if isinstance(top, dict) else None
    if not isinstance(config, dict) or not isinstance(config.get("file"), str):
        raise UnmappedError(f"{name} is no file of this Compose file; files takes a file of the project")
    _file(draft, where, config["file"], text(given.get("target") or f"/{name}"))
    _ignored(draft, where, given, "a file of the mode 0644, or of another one in mode, belongs to root")


def _ignored(draft: Draft, where: Where, given: dict[str, Any], reason: str) -> None:
    for key in ("uid", "gid", "mode"):
        if key in given:
            draft.notes.add((*where, key), f"not imported: {reason}")
