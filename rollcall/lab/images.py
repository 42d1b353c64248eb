"""Build the lab's images on the machine's engine, and lend them to a deploy on the machine itself."""

import fcntl
import os
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rollcall.console import step
from rollcall.errors import RollcallError
from rollcall.images import build, cached, context
from rollcall.images import catalogue as own_images
from rollcall.images.docker import docker, inspect
from rollcall.lab import catalogue, debian, dockerfile, go, side_by_side
from rollcall.lab.catalogue import Base, Image, Recipe
from rollcall.lab.layout import IMAGE_LABEL, STATE
from rollcall.lab.progress import part

_BUILD_LOG = STATE / "build.log"


def from_hub() -> bool:
    """Return whether to pull the public images instead of building them: the variable IMAGES is `hub`.

    Raises:
        RollcallError: IMAGES has another value.
    """
    value = os.environ.get("IMAGES", "")
    if value not in ("", "hub"):
        raise RollcallError(f"IMAGES: got {value!r}; expected hub, or nothing for images that the lab builds")
    return value == "hub"


def ensure(engines: Collection[str] = ()) -> None:
    """Build every image that is missing or whose sources have changed, after any other run has finished.

    Args:
        engines: the Docker Engines of hosts besides the default one.

    Raises:
        RollcallError: an image cannot be built.
    """
    with _alone():
        _ensure(engines)


@contextmanager
def _alone() -> Iterator[None]:
    # Two tests or checkouts at once would write the same cached files, and prune each other's images.
    STATE.mkdir(parents=True, exist_ok=True)
    with (STATE / "images.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _ensure(engines: Collection[str]) -> None:
    hub = from_hub()
    keys = catalogue.keys(hub, engines)
    stale = _outdated(keys)
    if not stale:
        return
    with_go = [image for image in stale if catalogue.needs_go(image) and not catalogue.is_pulled(image, hub)]
    # Go's compiler and Debian's packages are the slow parts: one after the other would leave a core idle.
    side_by_side.run(
        [lambda: _build_binaries(with_go), lambda: _make_all([i for i in stale if i not in with_go], keys)]
    )
    _make_all(with_go, keys)
    docker("image", "prune", "--force", "--filter", f"label={IMAGE_LABEL}", doing="remove outdated images")


def current() -> set[str]:
    """Return the names of the images that exist and are current."""
    keys = catalogue.keys(from_hub())
    return set(keys) - {image.name for image in _outdated(keys)}


def make_consul_before() -> str:
    """Make the image of the release before, under its public name on this machine's engine; return that name.

    Raises:
        RollcallError: it cannot be built.
    """
    image = catalogue.CONSUL_BEFORE
    with _alone():
        if not inspect("image", [image.local]):
            with part(f"Image {image.name}"):
                _build(image, catalogue.BEFORE, cached.key([binary.key for binary in catalogue.BEFORE.binaries]))
    docker("tag", image.local, image.name, doing=f"name {image.name}")
    return image.name


def _outdated(keys: dict[str, str]) -> list[Image]:
    images = [image for image in catalogue.IMAGES if image.name in keys]
    present = inspect("image", [image.local for image in images])
    return [image for image in images if _present_key(image, present) != keys[image.name]]


def _present_key(image: Image, present: dict[str, dict[str, Any]]) -> str | None:
    if image.local not in present:
        return None
    # A pulled image has no label of the lab.
    return _labels(present[image.local]).get(IMAGE_LABEL, f"hub-{image.name}")


def _labels(found: dict[str, Any]) -> dict[str, str]:
    return (found["Config"] or {}).get("Labels") or {}


def _build_binaries(images: Sequence[Image]) -> None:
    for image in images:
        for binary in _binaries(image.source):
            go.build(binary)


def _binaries(source: Base | own_images.Recipe) -> tuple[go.Binary, ...]:
    return source.binaries if isinstance(source, Recipe) else ()


def _make_all(images: Sequence[Image], keys: dict[str, str]) -> None:
    for image in images:
        with part(f"Image {image.name}"):
            _make(image, keys[image.name])


def _make(image: Image, key: str) -> None:
    if key == f"hub-{image.name}":
        _pull(image)
    elif isinstance(image.source, Base):
        tar = debian.base(image.source.suite)
        docker(*import_arguments(image, key, str(tar)), doing=f"import {image.name}")
    else:
        _build(image, image.source, key)


def import_arguments(image: Image, key: str, tar: str) -> list[str]:
    """Return docker's arguments that make an image of a base system."""
    changes = ['CMD ["bash"]', f"LABEL {IMAGE_LABEL}={key}"]
    return ["import", *(part for change in changes for part in ("--change", change)), tar, image.local]


def pull_commands(image: Image, already_there: bool) -> list[list[str]]:
    """Return docker's arguments that pull a public image and keep it only under the lab's name."""
    commands = [["pull", image.name], ["tag", image.name, image.local]]
    return commands if already_there else [*commands, ["rmi", image.name]]


def _build(image: Image, recipe: own_images.Recipe, key: str) -> None:
    programs = {binary.name: go.build(binary) for binary in _binaries(recipe)}
    architecture = build.engine_platform().split("/")[1]
    with context.prepared(recipe, architecture, adapt=_localised, programs=programs) as directory:
        build.run(build.arguments(image.local, f"{IMAGE_LABEL}={key}", directory), image.name, _BUILD_LOG)


def _localised(text: str) -> str:
    return dockerfile.localised(text, catalogue.NAMES)


def _pull(image: Image) -> None:
    for arguments in pull_commands(image, bool(inspect("image", [image.name]))):
        docker(*arguments, doing=f"pull {image.name} from its public registry")


def lend() -> None:
    """Tag the images with the names that a deploy on this machine itself uses.

    Names of users' own images stay unchanged. With IMAGES=hub the deploy pulls public images itself.
    """
    images = _lendable()
    present = inspect("image", [image.name for image in images])
    with step("Lending the lab's images to this machine's engine"):
        for image in images:
            if image.name not in present or IMAGE_LABEL in _labels(present[image.name]):
                docker("tag", image.local, image.name, doing=f"name {image.name}")


def take_back() -> None:
    """Remove the public names that `lend` added; users' own images with such a name stay."""
    images = _lendable()
    for name, found in inspect("image", [image.name for image in images]).items():
        if IMAGE_LABEL in _labels(found):
            docker("rmi", name, doing=f"remove the name {name}")


def _lendable() -> list[Image]:
    # Includes the base images of `rollcall images build`.
    wanted = [image for image in catalogue.IMAGES if image.deployed or (image.offered and image.public)]
    return [image for image in wanted if not catalogue.is_pulled(image, from_hub())]
