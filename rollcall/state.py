"""Everything that is on a host now, read in one command."""

import json
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network, ip_address
from typing import Any

from pyinfra.api.exceptions import FactProcessError
from pyinfra.api.facts import FactBase
from typing_extensions import override

ROOT = "/etc/rollcall"
LABEL = "rollcall.managed"
MARK = "@@rollcall"

# Every docker call costs the start of a process, so the engine is asked twice whatever is managed, and the
# probes run meanwhile. `docker inspect` ends with 1 where any name is missing, which is the normal case on a
# new host: that the engine answers is what `docker ps` says.
SCRIPT = r"""
command -v docker >/dev/null || {{ echo "Docker Engine is not installed"; exit 90; }}
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT
{probes}
docker ps -a --format '{{{{.ID}}}} {{{{.Names}}}} {{{{.Label "{label}"}}}}' >"$work/all" 2>"$work/error" || \
  {{ cat "$work/error"; exit 91; }}
echo '{mark} containers'
cat "$work/all"
echo '{mark} objects'
docker inspect --format '{{{{json .}}}}' bridge {names} $(awk 'NF == 3 {{ print $1 }}' "$work/all") 2>/dev/null
echo '{mark} files'
find {root} {paths} -printf '%T@ %m %U:%G %p\n' 2>/dev/null
echo '{mark} digests'
find {root} {paths} -type f -exec sha256sum {{}} + 2>/dev/null
echo '{mark} addresses'
ip -4 -o addr show 2>/dev/null || hostname -I
echo '{mark} listening'
awk '$4 == "0A" {{ print $2 }}' /proc/net/tcp /proc/net/tcp6 2>/dev/null
echo '{mark} clock'
date +%s
{texts}
wait
{answers}
echo '{mark} end'
"""


@dataclass(frozen=True)
class ObservedFile:
    """A file or directory on the host; the digest is None for a directory, `modified` seconds since 1970."""

    mode: int
    owner: str
    digest: str | None
    modified: float = 0


@dataclass(frozen=True)
class HostState:
    """What a host has: the engine's managed objects, files below /etc/rollcall, and facts about itself.

    `containers` holds Docker's inspect documents by name, of managed containers; `others` the names of all
    that are not ours; `images` inspect documents by the reference asked for; `listening` TCP ports with
    their addresses; `clock` is seconds since 1970.
    """

    containers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    others: frozenset[str] = frozenset()
    images: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    networks: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    volumes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    files: Mapping[str, ObservedFile] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    probes: Mapping[str, str] = field(default_factory=dict)
    addresses: tuple[str, ...] = ()
    listening: frozenset[tuple[str, int]] = frozenset()
    bridge: str = ""
    clock: int = 0

    def listens(self, address: str, port: int) -> bool:
        """Tell whether a program has this port at this address; "" stands for every address, in both places."""
        return any(taken == port and ("" in (address, at) or at == address) for at, taken in self.listening)

    def manages(self, thing: Mapping[str, Any]) -> bool:
        """Tell whether an inspected network or volume carries our label."""
        return LABEL in (thing.get("Labels") or {})


def script(
    images: Iterable[str],
    names: Iterable[str],
    paths: Iterable[str] = (),
    texts: Iterable[str] = (),
    probes: Mapping[str, str] | None = None,
) -> str:
    """Build the one command.

    Args:
        images: references whose inspect documents are wanted.
        names: networks and volumes whose inspect documents are wanted.
        paths: files outside /etc/rollcall whose digest is wanted.
        texts: files whose whole text is wanted.
        probes: further commands by name, whose output is wanted and whose failure is none of the host's.
    """

    def quoted(words: Iterable[str]) -> str:
        return " ".join(shlex.quote(word) for word in sorted(set(words)))

    return SCRIPT.format(
        label=LABEL,
        mark=MARK,
        root=ROOT,
        names=quoted([*images, *names]),
        paths=quoted(paths),
        texts="\n".join(
            f"echo '{MARK} text {path}'; cat {shlex.quote(path)} 2>/dev/null; echo" for path in sorted(set(texts))
        ),
        probes="\n".join(
            f'( {command} ) >"$work/probe.{name}" 2>/dev/null &' for name, command in (probes or {}).items()
        ),
        answers="\n".join(f"echo '{MARK} probe {name}'; cat \"$work/probe.{name}\"; echo" for name in probes or {}),
    )


def parse(lines: Sequence[str], images: Iterable[str]) -> HostState:
    """Read the script's output.

    Raises:
        ValueError: it is not complete, or not what the script prints.
    """
    sections = _sections(lines)
    objects: list[dict[str, Any]] = [json.loads(line) for line in sections["objects"] if line]
    containers = {o["Name"].lstrip("/"): o for o in objects if "State" in o}
    bridges = {o["Name"]: o for o in objects if "IPAM" in o}
    by_reference = {reference: o for reference in images for o in objects if _is_image(o, reference)}
    return HostState(
        containers=containers,
        others=frozenset(words[1] for words in map(str.split, sections["containers"]) if len(words) == 2),
        images=by_reference,
        networks=bridges,
        volumes={o["Name"]: o for o in objects if "Mountpoint" in o},
        files=_files(sections["files"], sections["digests"]),
        texts={name[5:]: _text(body) for name, body in sections.items() if name.startswith("text ")},
        probes={name[6:]: "\n".join(body).strip() for name, body in sections.items() if name.startswith("probe ")},
        addresses=_addresses(sections["addresses"]),
        listening=frozenset(_listener(line) for line in sections["listening"]),
        bridge=_gateway(bridges.get("bridge", {})),
        clock=int(sections["clock"][0]),
    )


def _sections(lines: Sequence[str]) -> dict[str, list[str]]:
    sections: dict[str, list[str]] = {}
    current: list[str] = []
    for line in lines:
        if line.startswith(MARK):
            current = sections.setdefault(line[len(MARK) + 1 :].rstrip(), [])
        else:
            current.append(line)
    missing = {"containers", "objects", "files", "digests", "addresses", "listening", "clock", "end"} - sections.keys()
    if missing:
        raise ValueError(f"its answer lacks {', '.join(sorted(missing))}")
    return sections


def _is_image(thing: Mapping[str, Any], reference: str) -> bool:
    known = [*(thing.get("RepoTags") or ()), *(thing.get("RepoDigests") or ())]
    return "RepoTags" in thing and reference in known


def _files(listed: Sequence[str], digests: Sequence[str]) -> dict[str, ObservedFile]:
    digest_of = {path: digest for digest, path in (line.split("  ", 1) for line in digests if "  " in line)}
    files = {}
    for line in listed:
        modified, mode, owner, path = line.split(" ", 3)
        files[path] = ObservedFile(int(mode, 8), owner, digest_of.get(path), float(modified))
    return files


def _text(body: Sequence[str]) -> str:
    """Put a file together again; the script ends each with a newline more, for files that end without one."""
    if body and not body[-1]:
        body = body[:-1]
    return "".join(f"{line}\n" for line in body)


def _addresses(lines: Sequence[str]) -> tuple[str, ...]:
    """Read `ip -o addr` ("2: eth0    inet 10.0.0.1/24 …") or the plain list of `hostname -I`."""
    found = []
    for line in lines:
        words = line.split()
        found.extend([words[words.index("inet") + 1].split("/")[0]] if "inet" in words else words)
    return tuple(found)


def _listener(line: str) -> tuple[str, int]:
    """Read an address of /proc/net/tcp: hexadecimal, IPv4 with its bytes reversed, "" for all addresses."""
    address, port = line.split(":")
    number = int(address, 16)
    if number == 0:
        return "", int(port, 16)
    return str(ip_address(number.to_bytes(4, "little"))) if len(address) == 8 else address, int(port, 16)


def _gateway(bridge: Mapping[str, Any]) -> str:
    configured = ((bridge.get("IPAM") or {}).get("Config") or [{}])[0]
    if "Gateway" in configured:
        return str(configured["Gateway"])
    # Engines before 23 leave the gateway out: it is the first address of the subnet.
    return str(IPv4Network(configured["Subnet"])[1]) if "Subnet" in configured else ""


class HostFact(FactBase[HostState]):
    """The one fact. A host whose engine does not answer fails, and only that host."""

    @override
    def command(
        self,
        images: tuple[str, ...],
        names: tuple[str, ...],
        paths: tuple[str, ...] = (),
        texts: tuple[str, ...] = (),
        probes: tuple[tuple[str, str], ...] = (),
    ) -> str:
        """Give the shell script; pyinfra calls it with the arguments of get_fact."""
        self.images = images
        return script(images, names, paths, texts, dict(probes))

    @override
    def process(self, output: list[str]) -> HostState:
        """Parse the answer.

        Raises:
            FactProcessError: it cannot be understood; pyinfra then fails this host and goes on with others.
        """
        try:
            return parse(output, self.images)
        except (ValueError, KeyError, IndexError) as problem:
            raise FactProcessError(f"the host's state cannot be read: {problem}") from problem
