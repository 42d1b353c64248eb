"""List the lab's images: the public name of each, its sources, and where it is offered."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from typing_extensions import override

from rollcall.images import cached
from rollcall.images import catalogue as own_images
from rollcall.lab import debian, dockerfile, go
from rollcall.lab.go import CONSUL, CONSUL_TEMPLATE, DOCKER_PROXY, DOCKERD, Binary
from rollcall.lab.layout import (
    CONSUL_BEFORE_VERSION,
    CONSUL_TEMPLATE_VERSION,
    CONSUL_VERSION,
    DEBIAN_SUITE,
    DEFAULT_ENGINE,
    NGINX_SUITE,
    OLDEST_SUITE,
)

_PACKAGE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Base:
    """A bare Debian system."""

    suite: str


@dataclass(frozen=True, kw_only=True)
class Recipe(own_images.Recipe):
    """What an image is built from; `binaries` are Go programs to put beside its Dockerfile.

    `base` replaces the Dockerfile's base image.
    """

    binaries: tuple[Binary, ...] = ()
    base: str = ""

    @property
    @override
    def dockerfile(self) -> str:
        text = super().dockerfile
        return re.sub(r"^FROM \S+", f"FROM {self.base}", text, count=1, flags=re.MULTILINE) if self.base else text


@dataclass(frozen=True)
class Image:
    """An image by its public name.

    `offered` images are in the lab's registry, `public` ones also in a public registry; a deploy uses the `deployed`
    ones by default. An image with `engines` is built only for a lab whose hosts have one of them.
    """

    name: str
    source: Base | own_images.Recipe
    offered: bool = True
    public: bool = True
    deployed: bool = False
    engines: tuple[str, ...] = ()

    @property
    def local(self) -> str:
        """The image's name on the machine's engine."""
        return dockerfile.local_name(self.name)


def _lab(directory: str, *binaries: Binary, base: str = "") -> Recipe:
    return Recipe(directory=_PACKAGE / "images" / directory, binaries=binaries, base=base)


def _host(tag: str, recipe: Recipe, *engines: str) -> Image:
    return Image(f"host:{tag}", recipe, offered=False, public=False, engines=engines)


def _own(name: str) -> Image:
    (image,) = own_images.chosen((name,))
    return Image(image.reference, image.recipe, public=False, deployed=name not in ("keepalived", "acme", "scheduler"))


_OLDEST_BASE = f"debian:{OLDEST_SUITE}"
HOSTS = {
    "20.10": _host("20.10", _lab("host", base=_OLDEST_BASE), "20.10"),
    DEFAULT_ENGINE: _host("1", _lab("host")),
    "28.5": _host("28.5", _lab("host-28.5"), "28.5", "newest"),
    "newest": _host("newest", _lab("host-newest", DOCKERD, DOCKER_PROXY), "newest"),
}
"""The images of lab hosts, by engine."""
REGISTRY = Image("registry:2.8", _lab("registry"), offered=False, public=False)

# In build order: an image's base image comes before it.
IMAGES = (
    Image(f"debian:{DEBIAN_SUITE}-slim", Base(DEBIAN_SUITE)),
    HOSTS[DEFAULT_ENGINE],
    Image(_OLDEST_BASE, Base(OLDEST_SUITE), offered=False, public=False, engines=("20.10",)),
    HOSTS["20.10"],
    HOSTS["28.5"],
    HOSTS["newest"],
    REGISTRY,
    Image("python:3.13-slim", _lab("python")),
    _own("registrator"),
    _own("dns"),
    _own("keepalived"),
    _own("acme"),
    _own("scheduler"),
    Image(f"debian:{NGINX_SUITE}", Base(NGINX_SUITE), offered=False, public=False),
    Image("nginx:1.30", _lab("nginx"), deployed=True),
    Image(f"hashicorp/consul:{CONSUL_VERSION}", _lab("consul", CONSUL), deployed=True),
    Image(f"hashicorp/consul-template:{CONSUL_TEMPLATE_VERSION}", _lab("consul-template", CONSUL_TEMPLATE)),
    _own("front"),
    _own("templates"),
)

# For a test alone, which makes it.
BEFORE = _lab("consul", go.CONSUL_BEFORE)
CONSUL_BEFORE = Image(f"hashicorp/consul:{CONSUL_BEFORE_VERSION}", BEFORE, offered=False)

NAMES = frozenset(image.name for image in IMAGES)


def is_pulled(image: Image, hub: bool) -> bool:
    """Return whether an image comes from its public registry."""
    return hub and image.public


def parents(image: Image) -> list[str]:
    """Return the names of the lab's images that an image is built from."""
    return dockerfile.parents(image.source.dockerfile, NAMES) if isinstance(image.source, own_images.Recipe) else []


def needs_go(image: Image) -> bool:
    """Return whether an image, or one that it is built from, contains a program built with Go."""
    own = isinstance(image.source, Recipe) and bool(image.source.binaries)
    return own or any(needs_go(parent) for parent in IMAGES if parent.name in parents(image))


def needed(hub: bool, engines: Collection[str] = ()) -> tuple[Image, ...]:
    """Return the images that a lab needs if its hosts have these engines besides the default one.

    Pulled images need no Debian base system of ours.
    """
    wanted = [image for image in IMAGES if not image.engines or set(image.engines) & set(engines)]
    unused = [f"debian:{NGINX_SUITE}"] if hub else []
    return tuple(image for image in wanted if image.name not in unused)


def keys(hub: bool, engines: Collection[str] = ()) -> dict[str, str]:
    """Return a digest of each image's sources; the same digest needs no new build."""
    found: dict[str, str] = {}
    for image in needed(hub, engines):
        found[image.name] = f"hub-{image.name}" if is_pulled(image, hub) else _key(image, found)
    return found


def _key(image: Image, known: dict[str, str]) -> str:
    if isinstance(image.source, Base):
        return debian.key(image.source.suite)
    binaries = image.source.binaries if isinstance(image.source, Recipe) else ()
    made_from = [known[parent] for parent in parents(image)]
    return cached.key([own_images.key(image.source), *made_from, *(binary.key for binary in binaries)])
