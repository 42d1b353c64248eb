"""Check what a host must have before a deploy touches it, with one sentence for each thing it lacks."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rollcall.converge import engine_failure

MEBIBYTE = 1024 * 1024
# Docker Engine, Consul's agent (100 MiB) and the registrator (51 MiB) fit, with some memory left for others.
MEMORY_MIB = 400
# /etc/rollcall holds 100 KiB; Docker's directory holds logs (30 MiB per container) and Consul's data.
ETC_MIB = 16
DOCKER_MIB = 256
# Our images take between 100 and 300 MiB unpacked.
IMAGE_MIB = 300
# Required commands, and the package of each on Debian and Fedora.
PACKAGES = {
    **{"tar": "tar", "find": "findutils", "grep": "grep", "awk": "gawk", "sed": "sed"},
    **dict.fromkeys(("base64", "sha256sum", "timeout", "install", "stat", "df"), "coreutils"),
}

# Prints lines of a word and its value. BusyBox's find has no -printf, without which every file would look absent.
# Processes are what costs, so the shell reads what it can itself.
# `timeout` keeps a hung filesystem from blocking everything else.
SCRIPT = r"""
{is_podman}
for tool in {tools}; do command -v "$tool" >/dev/null || echo "lacks $tool"; done
find / -maxdepth 0 -printf '' 2>/dev/null || {{ command -v find >/dev/null && echo 'busybox find'; }}
docker=$(readlink -f "$(command -v docker)")
case $docker in
  */snap) echo 'docker snap' ;;
  *) is_podman "$docker" && echo 'docker podman' ;;
esac
echo "uid ${{uid:-$(id -u)}}"
[ -w /etc ] || echo 'read-only /etc'
while read -r key value _; do [ "$key" != MemTotal: ] || {{ echo "memory $value"; break; }}; done </proc/meminfo
enforced=0
[ ! -r /sys/fs/selinux/enforce ] || read -r enforced </sys/fs/selinux/enforce
echo "selinux $enforced"
timeout 5 df -Pkal 2>/dev/null | sed -En 's|^.* ([0-9]+) +[0-9]+% (/.*)$|free \1 \2|p'
""".format(is_podman=engine_failure.IS_PODMAN, tools=" ".join(sorted(PACKAGES)))


@dataclass(frozen=True)
class Machine:
    """What a deploy checks about a host, apart from its containers.

    `lacks` are missing commands, `busybox` commands from BusyBox; `docker` is "podman" or "snap" if the docker command
    is not the engine's own; `free` is MiB by mount point; `memory` is MiB, 0 if unknown; `info` is the engine's /info.
    """

    lacks: tuple[str, ...] = ()
    busybox: tuple[str, ...] = ()
    docker: str = ""
    uid: int = 0
    read_only: tuple[str, ...] = ()
    memory: int = 0
    selinux: bool = False
    free: Mapping[str, int] = field(default_factory=dict)
    info: Mapping[str, Any] = field(default_factory=dict)

    def free_at(self, path: str) -> int | None:
        """Return the free MiB of a path's filesystem; None if unknown."""
        mounts = [mount for mount in self.free if path == mount or path.startswith(f"{mount.rstrip('/')}/")]
        return self.free[max(mounts, key=len)] if mounts else None


def parse(lines: Sequence[str], info: Mapping[str, Any]) -> Machine:
    """Parse the output of SCRIPT; `info` is the engine's /info, empty if that did not come.

    Raises:
        ValueError: a number is malformed.
    """
    found: dict[str, list[str]] = {}
    for line in lines:
        word, _, rest = line.partition(" ")
        found.setdefault(word, []).append(rest)
    free = (entry.partition(" ") for entry in found.get("free", ()))
    return Machine(
        lacks=tuple(found.get("lacks", ())),
        busybox=tuple(found.get("busybox", ())),
        docker=(found.get("docker") or [""])[0],
        uid=int((found.get("uid") or ["0"])[0]),
        read_only=tuple(found.get("read-only", ())),
        memory=int((found.get("memory") or ["0"])[0]) // 1024,
        selinux=found.get("selinux") == ["1"],
        free={path: int(kibibytes) // 1024 for kibibytes, _, path in free},
        info=info,
    )


def problems(machine: Machine, missing_images: int) -> list[str]:
    """Return one sentence for each problem that prevents a deploy to this host.

    Args:
        machine: the host.
        missing_images: how many images the deploy will bring there.
    """
    return [
        *_commands(machine),
        *_rights(machine),
        *_engine(machine),
        *_memory(machine),
        *_disk(machine, missing_images),
    ]


def _commands(machine: Machine) -> Iterator[str]:
    for tool in machine.lacks:
        yield f"the command {tool} is missing; install {PACKAGES.get(tool, tool)}"
    for tool in machine.busybox:
        yield f"the command {tool} is BusyBox's; expected GNU's: install {PACKAGES.get(tool, tool)}"


def _rights(machine: Machine) -> Iterator[str]:
    # A user other than root gets a separate error.
    for path in machine.read_only if machine.uid == 0 else ():
        yield f"{path} is read-only; a deploy writes to it"


def _engine(machine: Machine) -> Iterator[str]:
    info = machine.info
    options = {option for entry in info.get("SecurityOptions") or () for option in str(entry).split(",")}
    if machine.docker == "podman":
        yield engine_failure.PODMAN
        return
    if machine.docker == "snap":
        yield (
            "Docker Engine is the snap package, whose containers cannot read /etc/rollcall; remove it and install "
            "Docker's or the distribution's package"
        )
    if "name=rootless" in options:
        yield "Docker Engine runs rootless, where the host's network is out of its reach; expected one that root runs"
        return
    if machine.selinux and "name=selinux" in options:
        yield (
            "SELinux is enforcing and Docker Engine labels its containers, which then cannot read /etc/rollcall; "
            'set "selinux-enabled": false in /etc/docker/daemon.json and restart Docker'
        )
    for key, what in (("MemoryLimit", "memory"), ("PidsLimit", "pids")):
        if info.get(key) is False:
            yield (
                f"its kernel cannot limit a container's {what}, so limits would be set again by every deploy; enable "
                f"the {what} control group (boot with cgroup_enable={what})"
            )


def _memory(machine: Machine) -> Iterator[str]:
    if 0 < machine.memory < MEMORY_MIB:
        yield f"got {machine.memory} MiB of memory; expected at least {MEMORY_MIB} MiB"


def _disk(machine: Machine, missing_images: int) -> Iterator[str]:
    root = str(machine.info.get("DockerRootDir") or "/var/lib/docker")
    needs = DOCKER_MIB + IMAGE_MIB * missing_images
    why = f" ({missing_images} images are missing)" if missing_images > 1 else " (an image is missing)"
    for path, least, reason in (("/etc", ETC_MIB, ""), (root, needs, why if missing_images else "")):
        free = machine.free_at(path)
        if free is not None and free < least:
            yield f"the disk is full: {path} has {free} MiB free; expected at least {least} MiB{reason}"


def fitting(limit: int, memory: int) -> int:
    """Return a memory limit in MiB that leaves a quarter of the machine to others.

    Kernels reserve a varying part of the memory: rounding up to 512 MiB keeps the limit, and so the container, the same
    under a new kernel.

    Args:
        limit: what the container may have on a large machine.
        memory: the machine's, in MiB; 0 if unknown.
    """
    if not memory:
        return limit
    nominal = -(-memory // 512) * 512
    return min(limit, nominal * 3 // 4)
