"""Every image of the lab: under which public name, made from what, and who may pull it."""

from dataclasses import dataclass
from pathlib import Path

from rollcall.images import cached
from rollcall.images import catalogue as own_images
from rollcall.lab import debian, dockerfile
from rollcall.lab.go import CONSUL, CONSUL_TEMPLATE, Binary
from rollcall.lab.layout import CONSUL_TEMPLATE_VERSION, CONSUL_VERSION, DEBIAN_SUITE, NGINX_SUITE

_PACKAGE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Base:
    """A bare Debian system."""

    suite: str


@dataclass(frozen=True, kw_only=True)
class Recipe(own_images.Recipe):
    """What an image is built from; `binary` is a Go program that is put beside its Dockerfile."""

    binary: Binary | None = None


@dataclass(frozen=True)
class Image:
    """An image by its public name.

    `offered` ones are in the lab's registry, `public` ones also at a public one; `deployed` ones are what a deploy
    asks for by default.
    """

    name: str
    source: Base | own_images.Recipe
    offered: bool = True
    public: bool = True
    deployed: bool = False

    @property
    def local(self) -> str:
        """Its name on the machine's engine."""
        return dockerfile.local_name(self.name)


def _lab(directory: str, binary: Binary | None = None) -> Recipe:
    return Recipe(directory=_PACKAGE / "images" / directory, binary=binary)


def _own(name: str) -> Image:
    (image,) = own_images.chosen((name,))
    return Image(image.reference, image.recipe, public=False, deployed=name != "keepalived")


HOST = Image("host:1", _lab("host"), offered=False, public=False)
REGISTRY = Image("registry:2.8", _lab("registry"), offered=False, public=False)

# In an order in which each can be built: what an image starts from stands before it.
IMAGES = (
    Image(f"debian:{DEBIAN_SUITE}-slim", Base(DEBIAN_SUITE)),
    HOST,
    REGISTRY,
    Image("python:3.13-slim", _lab("python")),
    _own("registrator"),
    _own("dns"),
    _own("keepalived"),
    Image(f"debian:{NGINX_SUITE}", Base(NGINX_SUITE), offered=False, public=False),
    Image("nginx:1.30", _lab("nginx"), deployed=True),
    Image(f"hashicorp/consul:{CONSUL_VERSION}", _lab("consul", CONSUL), deployed=True),
    Image(f"hashicorp/consul-template:{CONSUL_TEMPLATE_VERSION}", _lab("consul-template", CONSUL_TEMPLATE)),
    _own("front"),
    _own("templates"),
)

NAMES = frozenset(image.name for image in IMAGES)


def is_pulled(image: Image, hub: bool) -> bool:
    """Whether an image comes from its public registry."""
    return hub and image.public


def parents(image: Image) -> list[str]:
    """The names of the lab's images that an image is made from."""
    return dockerfile.parents(image.source.dockerfile, NAMES) if isinstance(image.source, own_images.Recipe) else []


def needs_go(image: Image) -> bool:
    """Whether an image, or one that it is made from, holds a program that is built with Go."""
    own = isinstance(image.source, Recipe) and image.source.binary is not None
    return own or any(needs_go(parent) for parent in IMAGES if parent.name in parents(image))


def needed(hub: bool) -> tuple[Image, ...]:
    """The images that a lab needs; pulled ones need no Debian base system of their own."""
    if not hub:
        return IMAGES
    return tuple(image for image in IMAGES if not (isinstance(image.source, Base) and not image.public))


def keys(hub: bool) -> dict[str, str]:
    """For each image what it depends on, as a digest: while the digest stays, the image need not be made again."""
    found: dict[str, str] = {}
    for image in needed(hub):
        found[image.name] = f"hub-{image.name}" if is_pulled(image, hub) else _key(image, found)
    return found


def _key(image: Image, known: dict[str, str]) -> str:
    if isinstance(image.source, Base):
        return debian.key(image.source.suite)
    binary = image.source.binary if isinstance(image.source, Recipe) else None
    made_from = [known[parent] for parent in parents(image)]
    return cached.key([own_images.key(image.source), *made_from, binary.key if binary else ""])
