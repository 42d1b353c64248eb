"""Read everything that is on a host now, in one command."""

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Network, ip_address
from typing import Any

from rollcall import sections
from rollcall.converge import docker_query, engine_failure, preflight
from rollcall.converge.docker_query import SOCKET, EngineState, Wanted, query
from rollcall.converge.preflight import Machine
from rollcall.converge.resources import SALT, SALTED

ROOT = "/etc/rollcall"
# Logs that containers write to files of the host.
LOGS = "/var/log/rollcall"
# The option that holds the bridge's interface name (Docker's documentation, "Default bridge network options").
INTERFACE_OPTION = "com.docker.network.bridge.name"
SECTIONS = ("engine", "files", "digests", "addresses", "listening", "clock", "user", "socket")
EMPTY = EngineState({}, {}, {}, {}, frozenset())
# The probe that runs on every host, in addition to the caller's.
MACHINE = "machine"

# A process costs a host a millisecond, curl ten: hence one find, one cat, and one curl for all of the engine.
# Probes take longest, so they run in the background.
SCRIPT = r"""
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT
uid=$(id -u)
{explain}
{probes}
( {query} )
case $? in 90 | 91) section refused; explain_docker "$(cat "$work/error" 2>/dev/null)" ;; esac
section digests
find {root} {paths} -fprintf "$work/files" '{entry}' -type f \
  \( -path '*/{salted}*/*' -fprintf "$work/salted" '%p\n' -o -exec sha256sum {{}} + \) 2>/dev/null
[ ! -s "$work/salted" ] || while IFS= read -r one; do
  digest=$(cat "${{one%/*}}/{salt}" "$one" | sha256sum)
  echo "${{digest%% *}}  $one"
done <"$work/salted"
find {directories} -maxdepth 0 -printf '{entry}' >>"$work/files" 2>/dev/null
section addresses
ip -4 -o addr show 2>/dev/null || hostname -I
section listening
awk '$4 == "0A" {{ print $2 }}' /proc/net/tcp /proc/net/tcp6 2>/dev/null
section clock
date +%s
section user
echo "$uid"
section socket
stat -L -c %g {socket} 2>/dev/null || echo 0
wait
{titles}
cat {parts} 2>/dev/null
"""
# One line of `find` for each file: when it was changed, its mode, its owner, its path.
_ENTRY = r"%T@ %m %U:%G %p\n"


@dataclass(frozen=True)
class ObservedFile:
    """A file or directory on the host; the digest is None for a directory, `modified` seconds since 1970."""

    mode: int
    owner: str
    digest: str | None
    modified: float = 0


@dataclass(frozen=True)
class HostState:
    """What a host has: the engine's managed objects, files below /etc/rollcall, and facts about the host.

    `engine` is the Docker Engine's response, `engine_error` a sentence if it did not respond; `machine` is what a
    deploy checks first; `interfaces` are the network interfaces by address; `listening` are listening TCP addresses
    and ports; `clock` is seconds since 1970; `user` is the uid that read this state; `socket_group` is the gid that
    may open the engine's socket; `bridge` is the address of Docker's bridge, `bridges` those of all its networks.
    """

    engine: EngineState = EMPTY
    engine_error: str = ""
    machine: Machine = field(default_factory=Machine)
    files: Mapping[str, ObservedFile] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    probes: Mapping[str, str] = field(default_factory=dict)
    addresses: tuple[str, ...] = ()
    interfaces: Mapping[str, str] = field(default_factory=dict)
    listening: frozenset[tuple[str, int]] = frozenset()
    bridge: str = ""
    bridge_interface: str = ""
    bridges: tuple[str, ...] = ()
    clock: int = 0
    user: int = 0
    socket_group: int = 0

    def listens(self, address: str, port: int) -> bool:
        """Return whether a program listens on this port at this address; "" means every address, on both sides."""
        return any(taken == port and ("" in (address, at) or at == address) for at, taken in self.listening)


def script(
    wanted: Wanted,
    paths: Iterable[str] = (),
    texts: Iterable[str] = (),
    probes: Mapping[str, str] | None = None,
    directories: Iterable[str] = (),
) -> str:
    """Build the one command.

    Args:
        wanted: what to look up in the engine, in addition to its bridge network.
        paths: files outside /etc/rollcall to digest.
        texts: files to read whole.
        probes: further commands by name; their failure is ignored.
        directories: directories outside /etc/rollcall to list without their contents.
    """

    def quoted(words: Iterable[str]) -> str:
        return " ".join(shlex.quote(word) for word in sorted(set(words)))

    all_probes = {MACHINE: preflight.SCRIPT, **(probes or {})}
    # What the host or a command of before has in files: the section's title by the file.
    files = {'"$work/engine"': "engine", '"$work/files"': "files"}
    files |= {shlex.quote(path): f"text {path}" for path in sorted(set(texts))}
    files |= {f'"$work/probe.{name}"': f"probe {name}" for name in all_probes}
    body = SCRIPT.format(
        explain=engine_failure.FUNCTION,
        query=query(replace(wanted, networks=("bridge", *wanted.networks))),
        socket=SOCKET,
        root=ROOT,
        entry=_ENTRY,
        salted=SALTED,
        salt=SALT,
        paths=quoted(paths),
        directories=quoted((*directories, LOGS)),
        probes="\n".join(f'( {command} ) >"$work/probe.{name}" 2>/dev/null &' for name, command in all_probes.items()),
        titles="\n".join(
            f'section {shlex.quote(title)} >"$work/title.{number}"' for number, title in enumerate(files.values())
        ),
        parts=" ".join(f'"$work/title.{number}" {file}' for number, file in enumerate(files)),
    )
    return sections.script(body)


def parse(output: str, images: Sequence[str]) -> HostState:
    """Read the script's output.

    Raises:
        ValueError: the output is incomplete or malformed.
    """
    found = sections.read(output, SECTIONS)
    listed = {title: sections.lines(found[title]) for title in SECTIONS}
    engine_error = found.get("refused", "").strip()
    engine = EMPTY if engine_error else docker_query.parse(listed["engine"], images)
    probes = {title[6:]: text.rstrip() for title, text in found.items() if title.startswith("probe ")}
    interface = str((engine.networks.get("bridge", {}).get("Options") or {}).get(INTERFACE_OPTION, "docker0"))
    return HostState(
        engine=engine,
        engine_error=engine_error,
        machine=preflight.parse(sections.lines(probes.pop(MACHINE, "")), engine.info),
        files=_files(listed["files"], listed["digests"]),
        texts={title[5:]: text for title, text in found.items() if title.startswith("text ")},
        probes=probes,
        addresses=_addresses(listed["addresses"]),
        interfaces=_interfaces(listed["addresses"]),
        listening=frozenset(listener(line) for line in listed["listening"]),
        bridge=_gateway(engine.networks.get("bridge", {})),
        bridge_interface=interface,
        bridges=_addresses(listed["addresses"], (interface, "br-")),
        clock=int(listed["clock"][0]),
        user=int(listed["user"][0]),
        socket_group=int(listed["socket"][0]),
    )


def _files(listed: Sequence[str], digests: Sequence[str]) -> dict[str, ObservedFile]:
    digest_of = {path: digest for digest, path in (line.split("  ", 1) for line in digests if "  " in line)}
    files = {}
    for line in listed:
        modified, mode, owner, path = line.split(" ", 3)
        files[path] = ObservedFile(int(mode, 8), owner, digest_of.get(path), float(modified))
    return files


def _addresses(lines: Sequence[str], interfaces: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Parse `ip -o addr` ("2: eth0    inet 10.0.0.1/24 …"), or the plain list of `hostname -I` without interfaces.

    Args:
        lines: the output.
        interfaces: prefixes of interface names; empty for all interfaces.
    """
    found: list[str] = []
    for line in lines:
        words = line.split()
        if "inet" not in words:
            found.extend(() if interfaces else words)
        elif not interfaces or words[1].startswith(interfaces):
            found.append(words[words.index("inet") + 1].split("/")[0])
    return tuple(found)


def _interfaces(lines: Sequence[str]) -> dict[str, str]:
    """Parse the interfaces by address from `ip -o addr`; `hostname -I` prints none."""
    named = (line.split() for line in lines if " inet " in line)
    return {words[words.index("inet") + 1].split("/")[0]: words[1] for words in named}


def listener(line: str) -> tuple[str, int]:
    """Parse an address of /proc/net/tcp: hexadecimal, each four bytes reversed, "" for all addresses."""
    address, port = line.split(":")
    words = [bytes.fromhex(address[at : at + 8])[::-1] for at in range(0, len(address), 8)]
    return str(ip_address(b"".join(words))) if any(map(any, words)) else "", int(port, 16)


def _gateway(bridge: Mapping[str, Any]) -> str:
    configured = ((bridge.get("IPAM") or {}).get("Config") or [{}])[0]
    if "Gateway" in configured:
        return str(configured["Gateway"])
    # Engines before 23 omit the gateway: it is the first address of the subnet.
    return str(IPv4Network(configured["Subnet"])[1]) if "Subnet" in configured else ""
