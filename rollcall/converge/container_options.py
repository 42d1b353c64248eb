"""Docker's plain options of a container: the flag of each, and how to read it back from an inspect document.

A value is a tuple of texts, one for each time that the flag is given, in the form in which they are read back.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Document = Mapping[str, Any]
Options = tuple[tuple[str, tuple[str, ...]], ...]
_BILLION = 1_000_000_000
_MEBIBYTE = 1024 * 1024
# Docker's default of /dev/shm.
_SHM_MEBIBYTES = 64
OWN_LABELS = "rollcall."


@dataclass(frozen=True)
class Inspected:
    """The parts of inspect documents: the container's Config and HostConfig; its image's Config, {} if unknown."""

    config: Document
    host: Document
    image: Document


@dataclass(frozen=True)
class Option:
    """One option: Docker's flag, and how to read its values; `inherited`: an image may bring the same."""

    flag: str
    read: Callable[[Inspected], Iterable[str]]
    inherited: bool = False


def _devices(at: Inspected) -> Iterable[str]:
    for one in at.host.get("Devices") or ():
        yield f"{one['PathOnHost']}:{one['PathInContainer']}:{one['CgroupPermissions']}"


def _labels(at: Inspected) -> Iterable[str]:
    brought = at.image.get("Labels") or {}
    for name, value in (at.config.get("Labels") or {}).items():
        if not name.startswith(OWN_LABELS) and brought.get(name) != value:
            yield f"{name}={value}"


def _pairs(key: str, between: str) -> Callable[[Inspected], Iterable[str]]:
    return lambda at: (f"{name}{between}{value}" for name, value in (at.host.get(key) or {}).items())


def _word(key: str) -> Callable[[Inspected], Iterable[str]]:
    """Read a word of Config, unless it is the image's."""

    def read(at: Inspected) -> Iterable[str]:
        word = at.config.get(key) or ""
        return [str(word)] if word and word != at.image.get(key) else []

    return read


def _entrypoint(at: Inspected) -> Iterable[str]:
    words = at.config.get("Entrypoint") or []
    # The rest of its words are the command's, as `docker run` takes them.
    return [] if words == (at.image.get("Entrypoint") or []) else words[:1]


def _cpus(at: Inspected) -> Iterable[str]:
    return [f"{at.host['NanoCpus'] / _BILLION:g}"] if at.host.get("NanoCpus") else []


def _shm(at: Inspected) -> Iterable[str]:
    size = int(at.host.get("ShmSize") or 0) // _MEBIBYTE
    return [f"{size}m"] if size not in (0, _SHM_MEBIBYTES) else []


TABLE: Mapping[str, Option] = {
    "cpus": Option("cpus", _cpus),
    "init": Option("init", lambda at: ["true"] if at.host.get("Init") else []),
    "entrypoint": Option("entrypoint", _entrypoint, inherited=True),
    "working_dir": Option("workdir", _word("WorkingDir"), inherited=True),
    "stop_signal": Option("stop-signal", _word("StopSignal"), inherited=True),
    "extra_hosts": Option("add-host", lambda at: at.host.get("ExtraHosts") or ()),
    "devices": Option("device", _devices),
    "group_add": Option("group-add", lambda at: at.host.get("GroupAdd") or ()),
    "shm_size": Option("shm-size", _shm),
    "sysctls": Option("sysctl", _pairs("Sysctls", "=")),
    "ulimits": Option(
        "ulimit",
        lambda at: (f"{one['Name']}={one['Soft']}:{one['Hard']}" for one in at.host.get("Ulimits") or ()),
    ),
    "oom_score_adj": Option(
        "oom-score-adj", lambda at: [str(at.host["OomScoreAdj"])] if at.host.get("OomScoreAdj") else []
    ),
    "labels": Option("label", _labels, inherited=True),
}


def made(**values: Iterable[str]) -> Options:
    """Return options in their one order, without those that have no value."""
    ordered = ((name, tuple(sorted(values.get(name, ())))) for name in TABLE)
    return tuple((name, texts) for name, texts in ordered if texts)


def arguments(options: Options) -> list[str]:
    """Return the arguments of `docker run`."""
    return [f"--{TABLE[name].flag}={text}" for name, texts in options for text in texts]


def read(document: Document, image: Document | None, like: Options) -> Options:
    """Return the options of an inspect document.

    Args:
        document: the container's.
        image: its image's; None if the host no longer has the image.
        like: the desired options. What an image brings counts as met where it is the same.
    """
    at = Inspected(document.get("Config") or {}, document.get("HostConfig") or {}, (image or {}).get("Config") or {})
    wanted = dict(like)
    found = {name: set(option.read(at)) for name, option in TABLE.items()}
    for name, option in TABLE.items():
        if option.inherited:
            same = set(wanted.get(name, ())) & set(option.read(Inspected(at.config, at.host, {})))
            found[name] = (found[name] if image is not None else set()) | same
    # The engine's own default limits are added to a container when it starts.
    names = {text.partition("=")[0] for text in wanted.get("ulimits", ())}
    found["ulimits"] = {text for text in found["ulimits"] if text.partition("=")[0] in names}
    return made(**found)
