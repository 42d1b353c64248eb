"""Every image of the lab: under which public name, made from what, and who may pull it."""

from dataclasses import dataclass
from pathlib import Path

from rollcall import front
from rollcall.config import project
from rollcall.lab import cached, debian, dockerfile
from rollcall.lab.go import CONSUL, CONSUL_TEMPLATE, Binary
from rollcall.lab.layout import CONSUL_TEMPLATE_VERSION, CONSUL_VERSION, DEBIAN_SUITE, NGINX_SUITE, OUR_IMAGES

_PACKAGE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Base:
    """A bare Debian system."""

    suite: str


@dataclass(frozen=True)
class Recipe:
    """A directory with a Dockerfile, and what is put beside it before it is built.

    `sources` are parts of this package, such as rollcall/front; `binary` is a Go program; with `wheels` the Python
    packages of its requirements.lock come along, because a container may not reach the package index.
    """

    directory: Path
    binary: Binary | None = None
    sources: tuple[str, ...] = ()
    wheels: bool = False

    @property
    def dockerfile(self) -> str:
        """The text of its Dockerfile."""
        return (self.directory / "Dockerfile").read_text()


@dataclass(frozen=True)
class Image:
    """An image by its public name.

    `offered` ones are in the lab's registry, `public` ones also at a public one; `deployed` ones are what a deploy
    asks for by default.
    """

    name: str
    source: Base | Recipe
    offered: bool = True
    public: bool = True
    deployed: bool = False

    @property
    def local(self) -> str:
        """Its name on the machine's engine."""
        return dockerfile.local_name(self.name)


def _lab(directory: str, binary: Binary | None = None) -> Recipe:
    return Recipe(_PACKAGE / "images" / directory, binary)


def _ours(name: str, *sources: str, version: str = OUR_IMAGES, wheels: bool = False, deployed: bool = True) -> Image:
    recipe = Recipe(project.shipped("images") / name, None, sources, wheels)
    return Image(f"rollcall/{name}:{version}", recipe, public=False, deployed=deployed)


HOST = Image("host:1", _lab("host"), offered=False, public=False)
REGISTRY = Image("registry:2.8", _lab("registry"), offered=False, public=False)

# In an order in which each can be built: what an image starts from stands before it.
IMAGES = (
    Image(f"debian:{DEBIAN_SUITE}-slim", Base(DEBIAN_SUITE)),
    HOST,
    REGISTRY,
    Image("python:3.13-slim", _lab("python")),
    _ours("registrator", "rollcall/__init__.py", "rollcall/registrator", wheels=True),
    _ours("dns"),
    _ours("keepalived", deployed=False),
    Image(f"debian:{NGINX_SUITE}", Base(NGINX_SUITE), offered=False, public=False),
    Image("nginx:1.30", _lab("nginx"), deployed=True),
    Image(f"hashicorp/consul:{CONSUL_VERSION}", _lab("consul", CONSUL), deployed=True),
    Image(f"hashicorp/consul-template:{CONSUL_TEMPLATE_VERSION}", _lab("consul-template", CONSUL_TEMPLATE)),
    _ours("front", "rollcall/__init__.py", "rollcall/contract", "rollcall/front", version=front.VERSION, wheels=True),
    _ours("templates", "rollcall/__init__.py", "rollcall/template_sync"),
)

NAMES = frozenset(image.name for image in IMAGES)


def source(relative: str) -> Path:
    """A part of this package, by its path from the folder that holds `rollcall/`."""
    return project.PACKAGE.parent / relative


def is_pulled(image: Image, hub: bool) -> bool:
    """Whether an image comes from its public registry."""
    return hub and image.public


def parents(image: Image) -> list[str]:
    """The names of the lab's images that an image is made from."""
    return dockerfile.parents(image.source.dockerfile, NAMES) if isinstance(image.source, Recipe) else []


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
    recipe = image.source
    parts = [cached.tree_key(recipe.directory), *(known[parent] for parent in parents(image))]
    parts += [_source_key(source(part)) for part in recipe.sources]
    return cached.key([*parts, recipe.binary.key if recipe.binary else ""])


def _source_key(path: Path) -> str:
    return cached.tree_key(path) if path.is_dir() else cached.key([path.read_bytes()])
