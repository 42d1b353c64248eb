"""Build the shell command of each change: pure functions, one string each, tested without a host."""

import io
import shlex
import tarfile
from collections.abc import Iterable, Sequence

from rollcall.converge import container_options, env_file
from rollcall.converge.container_inspect import (
    CONFIGURATION_LABEL,
    READINESS_LABEL,
    SECRET_ENVIRONMENT_LABEL,
    SECRETS_LABEL,
    SPEC_LABEL,
)
from rollcall.converge.docker_query import LABEL
from rollcall.converge.host_state import ROOT
from rollcall.converge.resources import (
    AbsentFile,
    Container,
    Directory,
    File,
    LeadingLine,
    Mount,
    Network,
    PublishedPort,
    Volume,
)

# By default Docker keeps all of a container's output for ever.
LOG_OPTIONS = ("--log-driver", "json-file", "--log-opt", "max-size=10m", "--log-opt", "max-file=3")


def run_arguments(container: Container, name: str = "") -> list[str]:
    """Return the argument list of `docker run`, or of `docker create`, for a container, which may have another name.

    It lacks the secret environment, which env_file.py adds.
    """
    return [
        "docker",
        *(("create", "--no-healthcheck") if container.on_call else ("run", "--detach")),
        f"--name={name or container.name}",
        f"--label={LABEL}={container.component}",
        f"--label={SPEC_LABEL}={container.spec}",
        *([f"--label={CONFIGURATION_LABEL}={container.configuration}"] if container.configuration else []),
        *(
            [f"--label={READINESS_LABEL}={shlex.join(container.readiness_command)}"]
            if container.readiness_command
            else []
        ),
        *([f"--label={SECRETS_LABEL}={container.secrets}"] if container.secrets else []),
        *(
            [f"--label={SECRET_ENVIRONMENT_LABEL}={','.join(name for name, _ in container.secret_environment)}"]
            if container.secret_environment
            else []
        ),
        *_options(container),
        container.image,
        *container.command,
    ]


def one_off_arguments(container: Container, name: str, options: Sequence[str]) -> list[str]:
    """Return the argument list of a `docker run` in the foreground, whose container is removed at its end."""
    start = ["docker", "run", "--rm", f"--name={name}", "--no-healthcheck", *options]
    return [*start, *_options(container), container.image, *container.command]


def _options(container: Container) -> list[str]:
    return [
        f"--network={container.network}",
        *([f"--hostname={container.hostname}"] if container.hostname else []),
        f"--restart={container.restart}",
        f"--stop-timeout={container.stop_timeout}",
        *([f"--user={container.user}"] if container.user else []),
        *(f"--cap-drop={capability}" for capability in container.drop_capabilities),
        *(f"--cap-add={capability}" for capability in container.add_capabilities),
        *(f"--security-opt={option}" for option in container.security_options),
        *(["--read-only"] if container.read_only else []),
        f"--memory={container.memory}m",
        f"--pids-limit={container.pids}",
        *(f"--env={name}={value}" for name, value in container.environment),
        *(f"--expose={port}" for port in container.exposed),
        *(f"--publish={_publish(port)}" for port in container.ports),
        *(f"--mount={_mount(mount)}" for mount in container.mounts),
        *(f"--tmpfs={tmpfs.target}:{tmpfs.options}" for tmpfs in container.tmpfs),
        *container_options.arguments(container.options),
        *LOG_OPTIONS,
    ]


def _publish(port: PublishedPort) -> str:
    return f"{port.address}:{port.host}:{port.container}"


def _mount(mount: Mount) -> str:
    kind = "bind" if mount.source.startswith("/") else "volume"
    return f"type={kind},source={mount.source},target={mount.target}" + (",readonly" if mount.read_only else "")


def run(container: Container, name: str = "") -> str:
    """Start a new container; `name` is what it is called for now, by default its own.

    With a secret environment, the command reads `run_input` from standard input.
    """
    return with_secret_environment(run_arguments(container, name), container)


def with_secret_environment(arguments: Sequence[str], container: Container) -> str:
    """Return the shell command of these arguments of `docker run`, which reads `run_input` if the container has any."""
    command = shlex.join(arguments)
    if not container.secret_environment:
        return command
    start = shlex.join(arguments[:2])
    return env_file.wrapped(command.replace(start, f'{start} --env-file="$env"', 1))


def run_input(container: Container) -> str:
    """Return the standard input of `run`: nothing without a secret environment."""
    return env_file.content(container.secret_environment) if container.secret_environment else ""


def replace(container: Container) -> str:
    """Stop the old container within its stop timeout, then start the new one under its name."""
    if container.on_call:
        return f"{_remove_on_call(container)} && {{ {run(container)}; }}"
    return f"{remove_container(container)} && {run(container)}"


def _remove_on_call(container: Container) -> str:
    """Wait for a run under way until its end was noticed, and remove the container; again if it is started then."""
    name = shlex.quote(container.name)
    # For timeout(1), 0 is for ever.
    wait = f"timeout {container.run_timeout} docker wait {name} >/dev/null; " if container.run_timeout else ""
    noticed = f"for look in $(seq 25); do {container.idle_command or 'true'} && break; sleep 0.2; done"
    return (
        f"{{ ran=$(docker inspect --format '{{{{.State.Running}}}}' {name}); {wait}"
        f"for try in 1 2 3; do docker stop {name} >/dev/null; "
        f'if [ "$ran" = true ]; then {noticed}; fi; docker rm --volumes {name} >/dev/null && break; done; '
        f"! docker inspect --type=container {name} >/dev/null 2>&1; }}"
    )


def remove_container(container: Container) -> str:
    """Stop and remove a container with its anonymous volumes; `docker rm -f` alone would kill requests under way."""
    name = shlex.quote(container.name)
    return f"docker stop {name} >/dev/null && docker rm --volumes {name} >/dev/null"


# Rollcall's own images have names that no public registry knows.
OWN_PREFIX = "rollcall/"
BUILD_OWN = 'no public registry has it: rollcall images build, and image_source = "push" in group_data/all.py'


def pull(image: str) -> str:
    """Pull an image with the host's engine."""
    name = shlex.quote(image)
    step = (
        BUILD_OWN if image.startswith(OWN_PREFIX) else "check its name and tag, and that the host reaches its registry"
    )
    hint = shlex.quote(f"cannot pull the image {image}; {step}")
    return f"docker pull --quiet {name} || {{ echo {hint} >&2; exit 1; }}"


def create_network(network: Network) -> str:
    """Create a bridge network with our label."""
    return shlex.join(["docker", "network", "create", f"--label={LABEL}=network", network.name])


def create_volume(volume: Volume) -> str:
    """Create a volume with our label."""
    return shlex.join(["docker", "volume", "create", f"--label={LABEL}=volume", volume.name])


def remove_network(network: Network) -> str:
    """Remove a network."""
    return shlex.join(["docker", "network", "rm", network.name])


def remove_volume(volume: Volume) -> str:
    """Remove a volume and its data."""
    return shlex.join(["docker", "volume", "rm", volume.name])


def remove_file(resource: File | Directory | AbsentFile) -> str:
    """Remove a file, or a directory if it is empty or holds data."""
    is_empty = isinstance(resource, Directory) and not resource.holds_data
    return shlex.join(["rmdir", resource.path] if is_empty else ["rm", "-rf", resource.path])


def notify(command: str, marker: str) -> str:
    """Notify a consumer of its changed files, then remove the marker of the pending notification."""
    return f"{command} && rm -f {shlex.quote(marker)}"


def receive(size: int, marks: Iterable[str] = ()) -> str:
    """Extract an archive from standard input (base64) with its modes and owners.

    Args:
        size: of the archive in bytes; a smaller one means that the connection was lost on the way.
        marks: files to create first, so that the next deploy repeats one that fails half-way.
    """
    archive = f"{ROOT}/.incoming.tar"
    return " && ".join(
        [
            f"install -d -m 0700 {ROOT}",
            *(shlex.join(["touch", mark]) for mark in marks),
            f"(umask 077; base64 -d >{archive})",
            f'{{ [ "$(wc -c <{archive})" -eq {size} ] || {{ echo "the connection was lost" >&2; false; }}; }}',
            f"tar --numeric-owner -xpf {archive} -C /",
            f"rm -f {archive}",
        ]
    )


def archive(resources: Sequence[File | Directory], modified: float) -> bytes:
    """Pack files and directories with their modes and owners into one upload.

    Args:
        resources: what to pack.
        modified: their modification time, seconds since 1970; dnsmasq reloads a file when it is newer.
    """
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for resource in resources:
            tar.addfile(*_member(resource, modified))
    return buffer.getvalue()


def _member(resource: File | Directory, modified: float) -> tuple[tarfile.TarInfo, io.BytesIO | None]:
    entry = tarfile.TarInfo(resource.path.lstrip("/"))
    entry.mode = resource.mode
    entry.mtime = modified
    entry.uid, entry.gid = (int(number) for number in (resource.owner or "0:0").split(":"))
    if isinstance(resource, Directory):
        entry.type = tarfile.DIRTYPE
        return entry, None
    content = resource.text.encode()
    entry.size = len(content)
    return entry, io.BytesIO(content)


def leading_line(resource: LeadingLine) -> str:
    """Insert a line at the top of a file that is not ours, or remove it, and the file if nothing else is in it.

    Writes in place instead of renaming: /etc/resolv.conf may be a mount, whose inode must stay.
    """
    path, line = shlex.quote(resource.path), shlex.quote(resource.line)
    first = f"printf '%s\\n' {line};" if resource.present else ""
    others = f"grep -vxF -e {line} {path} || true"  # grep exits with 1 if there are no other lines
    written = f"new=$({{ {first} {others}; }}) && printf '%s\\n' \"$new\" > {path}"
    return written if resource.present else f'{written} && {{ [ -n "$new" ] || rm -f {path} || true; }}'
