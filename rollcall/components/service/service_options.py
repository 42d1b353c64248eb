"""Turn a service's declared options into those of Docker."""

from rollcall.config.service import Service
from rollcall.converge import container_options
from rollcall.converge.resources import Tmpfs

# The parts of a device: on the host, in the container, what the program may do.
_DEVICE_PARTS = 3
# What a program with a read-only root may write to, in MiB.
TEMPORARY, TEMPORARY_SIZE = "/tmp", 64  # noqa: S108 — the container's own


def of(service: Service) -> container_options.Options:
    """Return the options that are plain flags of `docker run`."""
    chosen = service.options
    return container_options.made(
        cpus=[f"{service.cpus:g}"] if service.cpus else [],
        init=["true"] if chosen.init else [],
        entrypoint=chosen.entrypoint[:1],
        working_dir=[chosen.working_dir] if chosen.working_dir else [],
        stop_signal=[chosen.stop_signal] if chosen.stop_signal else [],
        extra_hosts=[f"{name}:{address}" for name, address in chosen.extra_hosts.items()],
        devices=map(_device, chosen.devices),
        group_add=chosen.group_add,
        shm_size=[f"{chosen.shm_size}m"] if chosen.shm_size not in (0, 64) else [],
        sysctls=[f"{name}={value}" for name, value in chosen.sysctls.items()],
        ulimits=[f"{name}={_limit(value)}" for name, value in chosen.ulimits.items()],
        oom_score_adj=[str(chosen.oom_score_adj)] if chosen.oom_score_adj else [],
        labels=[f"{name}={value}" for name, value in service.labels.items()],
    )


def command(service: Service) -> tuple[str, ...]:
    """Return the command: Docker takes all words of an entrypoint but the first from it."""
    return (*service.options.entrypoint[1:], *service.command)


def tmpfs(service: Service) -> tuple[Tmpfs, ...]:
    """Return the directories in memory; with `read_only` /tmp is one of them."""
    own = {one.target: one.size for one in service.options.tmpfs}
    every = {**({TEMPORARY: TEMPORARY_SIZE} if service.read_only and TEMPORARY not in own else {}), **own}
    return tuple(Tmpfs(target, _in_memory(service.user, size)) for target, size in every.items())


def _in_memory(user: str, size: int) -> str:
    """Return the options of a directory that every user may write to, as /tmp.

    Docker 20.10 gives it the mode 0755 at the container's second start, so the program's user owns it, too.
    """
    uid, _, gid = user.partition(":")
    owner = f"uid={uid},gid={gid or 0}," if uid else ""
    return f"{owner}size={size}m,mode=1777"


def _device(text: str) -> str:
    """Complete a device as Docker does: /dev/fuse is /dev/fuse:/dev/fuse:rwm."""
    parts = text.split(":")
    if len(parts) > 1 and not parts[1].startswith("/"):
        parts.insert(1, parts[0])
    return ":".join((*parts, *(parts[0], "rwm")[len(parts) - 1 :])[:_DEVICE_PARTS])


def _limit(text: str) -> str:
    soft, _, hard = text.partition(":")
    return f"{soft}:{hard or soft}"
