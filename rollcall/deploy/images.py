"""Check that missing images can be brought before any host is touched, and bring them."""

import atexit
import shlex
import tempfile
from collections.abc import Generator, Sequence
from contextlib import ExitStack
from functools import lru_cache
from pathlib import Path

from gevent.lock import RLock
from pyinfra import host, logger
from pyinfra.api import operation
from pyinfra.api.command import PyinfraCommand
from pyinfra.api.host import Host
from pyinfra.api.state import State

from rollcall import command
from rollcall.config import inventory
from rollcall.converge import docker_commands, registry_pull
from rollcall.converge.docker_query import EngineState, as_listed
from rollcall.converge.resources import Container, Resource
from rollcall.deploy import callbacks, inventory_layers, run_secrets
from rollcall.errors import RollcallError
from rollcall.images import build, catalogue, docker, registry, saved, transfer

# Prints one line such as linux/amd64.
PLATFORM = "docker version --format '{{.Server.Os}}/{{.Server.Arch}}'"
MEGABYTE = 1_000_000


def lines(missing: Sequence[Container]) -> list[str]:
    """Return one line for each image that will be brought."""
    local = _local(tuple(container.image for container in missing if container.image_source == "push"))
    return [_line(container, local) for container in missing]


def _line(container: Container, local: docker.Documents) -> str:
    size = local[container.image].get("Size", 0) if container.image in local else 0
    return f"{container.image_source} image {container.image}" + (f" ({megabytes(size)})" if size else "")


def check(name: str, missing: Sequence[Container], platform: str) -> None:
    """Check that this machine can push every image that it must push.

    Args:
        name: the host's name, for the error.
        missing: containers whose images the host lacks.
        platform: the platform of the host's engine.

    Raises:
        RollcallError: an image is missing here, or built for another platform.
    """
    wanted = tuple(container.image for container in missing if container.image_source == "push")
    if not wanted:
        return
    for image in wanted:
        if "@" in image:
            raise RollcallError(
                f'{name}: cannot push {image}; expected a name with a tag, or image_source = "pull": only a registry '
                "gives an image its digest"
            )
    try:
        here = _local(wanted)
    except RollcallError as problem:
        raise RollcallError(
            f"{name}: cannot push images, since this machine's Docker Engine does not respond ({problem}); start it, "
            "or name a registry that the host can pull from (docs/images.md)"
        ) from None
    if absent := [image for image in wanted if image not in here]:
        raise RollcallError(
            f"{name}: the deploy pushes {_listed(absent)} from this machine, which does not have "
            f"{'it' if len(absent) == 1 else 'them'}; run `{_remedy(absent)}`"
        )
    for image in wanted:
        built = build.platform_of(here[image])
        if platform and not build.is_same_platform(built, platform):
            raise RollcallError(
                f"{name}: its engine runs {platform}, but {image} on this machine is for {built}; "
                f"run `{_remedy([image], platform)}`"
            )


def _listed(words: Sequence[str]) -> str:
    return ", ".join(words[:-1]) + f" and {words[-1]}" if len(words) > 1 else words[0]


def _remedy(images: Sequence[str], platform: str = "") -> str:
    wanted = f" --platform {platform}" if platform else ""
    own = [found.name for image in images if (found := catalogue.by_reference(image))]
    pulls = [f"docker pull{wanted} {image}" for image in images if not catalogue.by_reference(image)]
    builds = [f"rollcall images build {' '.join(own)}{wanted}"] if own else []
    return " && ".join([*builds, *pulls])


@lru_cache(maxsize=16)
def _local(images: tuple[str, ...]) -> docker.Documents:
    """Return this machine's images by their names in the settings."""
    found = docker.inspect("image", tuple(as_listed(image) for image in images))
    return {image: found[as_listed(image)] for image in images if as_listed(image) in found}


def megabytes(size: int) -> str:
    """Format a size in megabytes."""
    return f"{size / MEGABYTE:.1f} MB"


@operation()
def bring(missing: Sequence[Container], platform: str) -> Generator[str | PyinfraCommand, None, None]:
    """Bring the images that a host lacks, before any container stops."""
    for container in missing:
        if container.image_source == "push":
            yield callbacks.command(push, container.image, platform)
        elif configuration := run_secrets.read().registries.configuration(container.image):
            yield callbacks.command(pull, container.image, registry_pull.pull_input(configuration))
        else:
            yield docker_commands.pull(container.image)


def pull(_state: State, host: Host, image: str, login: str) -> bool:
    """Pull an image with a login, which the host has only as long as that takes."""
    done, output = callbacks.run(host, registry_pull.pull(docker_commands.pull(image)), login)
    if not done:
        logger.error(f"{host.print_prefix}{output.stderr.strip() or output.stdout.strip()}")
    return done


def push(state: State, host: Host, image: str, platform: str) -> bool:
    """Push an image from this machine's engine to a host that cannot pull it."""
    try:
        archive = _sender.image(image, platform)

        said: list[str] = []

        def report(offer: registry.Offer) -> None:
            line = progress(offer)
            if line not in said:
                said.append(line)
                logger.info(f"{host.print_prefix}{image}: {line}")

        sent = transfer.send(_reached(state, host), image, archive, _sender.registry, report)
    except RollcallError as problem:
        logger.error(f"{host.print_prefix}{image} was not pushed: {problem}")
        return False
    had = archive.size - sent.bytes
    rest = f"; the host had the other {megabytes(had)}" if had > 0 else ""
    small = f", compressed to {megabytes(sent.on_the_wire)}," if sent.on_the_wire < sent.bytes else ""
    logger.info(f"{host.print_prefix}{image}: sent {megabytes(sent.bytes)}{small} in {sent.seconds:.1f} s{rest}")
    return True


def progress(offer: registry.Offer) -> str:
    """Say how far a push is."""
    if offer.unpacks:
        return f"{megabytes(offer.sent)} sent; the host unpacks it"
    return f"{megabytes(offer.sent)} of {megabytes(offer.image.size)} sent"


def _reached(state: State, host: Host) -> inventory.Host:
    entries = {str(entry["name"]): entry for entry in inventory_layers.of_this_run()}
    return inventory.host_of(entries[host.name], Path(state.cwd or "."))


_removal_requested: list[bool] = []


def request_removal() -> None:
    """Make a removal remove the images, too."""
    _removal_requested.append(True)


def remove_or_list(resources: Sequence[Resource], engine: EngineState) -> None:
    """Log which images a removal leaves on the host, or remove those that no other container uses."""
    if names := of_a_deploy(resources, engine):
        if _removal_requested:
            remove(name="Images", images=names)
        else:
            logger.info(f"{host.print_prefix}left: image {', '.join(names)}; `rollcall remove --images` removes them")


def of_a_deploy(resources: Sequence[Resource], engine: EngineState) -> list[str]:
    """Return the images on the host that belong to desired or running containers."""
    documents = [engine.containers[name] for name in engine.managed if name in engine.containers]
    running = [str((document.get("Config") or {}).get("Image")) for document in documents]
    wanted = [
        resource.image for resource in resources if isinstance(resource, Container) and resource.image in engine.images
    ]
    return sorted({*running, *wanted})


@operation()
def remove(images: Sequence[str]) -> Generator[str | PyinfraCommand, None, None]:
    """Remove these images and older ones of ours, except those that other containers use."""
    for image in images:
        logger.info(f"{host.print_prefix}remove image {image}")
    ours = f"docker image ls --filter label={build.LABEL} --format '{{{{.Repository}}}}:{{{{.Tag}}}}'"
    yield (
        f'for image in {shlex.join(images)} $({ours}); do docker image inspect "$image" >/dev/null 2>&1 || continue; '
        'docker rmi "$image" >/dev/null || echo "$image stays: a container uses it" >&2; done'
    )


class _Sender:
    """Save each image once for all hosts, and serve it until the run ends."""

    def __init__(self) -> None:
        """Create a sender; the registry opens on first use."""
        self._lock = RLock()
        self._stack = ExitStack()
        self._saved: dict[tuple[str, str], saved.Saved] = {}
        self._registry: registry.Registry | None = None
        self._folder: Path | None = None
        atexit.register(self._stack.close)

    @property
    def registry(self) -> registry.Registry:
        """The registry, opened on first use."""
        with self._lock:
            if self._registry is None:
                self._registry = self._stack.enter_context(registry.registry())
            return self._registry

    def image(self, image: str, platform: str) -> saved.Saved:
        """Return an image's archive.

        Raises:
            RollcallError: the engine cannot save it.
        """
        with self._lock:
            key = (image, platform)
            if key not in self._saved:
                self._saved[key] = self._save(image, platform)
            return self._saved[key]

    def _save(self, image: str, platform: str) -> saved.Saved:
        if self._folder is None:
            # On many machines /tmp is in memory.
            disk = "/var/tmp" if Path("/var/tmp").is_dir() else None  # noqa: S108
            self._folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="rollcall-", dir=disk)))
        archive = self._folder / f"{len(self._saved)}.tar"
        command.run(["docker", "save", f"--output={archive}", image], doing=f"save {shlex.quote(image)}")
        return saved.read(archive, platform)


_sender = _Sender()
