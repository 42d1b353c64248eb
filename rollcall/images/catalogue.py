"""List Rollcall's own images, and what each is built from."""

from dataclasses import dataclass
from pathlib import Path

from rollcall.config import project
from rollcall.config.settings import Acme, Settings
from rollcall.did_you_mean import near_name
from rollcall.errors import RollcallError
from rollcall.images import cached


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """A directory with a Dockerfile, and what is added to it before the build.

    `sources` are parts of this package, such as rollcall/front; with `wheels` the Python packages of its
    requirements.lock are added, because a container may not reach the package index.
    """

    directory: Path
    sources: tuple[str, ...] = ()
    wheels: bool = False

    @property
    def dockerfile(self) -> str:
        """The text of its Dockerfile."""
        return (self.directory / "Dockerfile").read_text()


@dataclass(frozen=True)
class OwnImage:
    """One of our images: its short name, its full name, and what it is built from."""

    name: str
    reference: str
    recipe: Recipe


def _own(name: str, reference: str, *sources: str, wheels: bool = False) -> OwnImage:
    return OwnImage(name, reference, Recipe(directory=project.shipped("images") / name, sources=sources, wheels=wheels))


_DEFAULTS = Settings()
# Its section has required settings, so it has no defaults as a whole.
ACME_IMAGE = str(Acme.model_fields["image"].default)
IMAGES = (
    _own(
        "registrator",
        _DEFAULTS.registrator.image,
        "rollcall/__init__.py",
        "rollcall/contract",
        "rollcall/registrator",
        wheels=True,
    ),
    _own("dns", _DEFAULTS.dns.image),
    _own("keepalived", _DEFAULTS.keepalived.image),
    _own(
        "front",
        _DEFAULTS.front.image,
        *("rollcall/__init__.py", "rollcall/contract", "rollcall/front"),
        wheels=True,
    ),
    _own("acme", ACME_IMAGE, "rollcall/__init__.py", "rollcall/contract", "rollcall/acme", wheels=True),
    _own(
        "scheduler",
        _DEFAULTS.scheduler.image,
        *("rollcall/__init__.py", "rollcall/contract", "rollcall/scheduler"),
        wheels=True,
    ),
    _own(
        "templates",
        _DEFAULTS.template_sync.image,
        "rollcall/__init__.py",
        "rollcall/contract",
        "rollcall/template_sync",
    ),
)


def chosen(names: tuple[str, ...]) -> tuple[OwnImage, ...]:
    """Find images by name; without names, all of them.

    Raises:
        RollcallError: a name is unknown.
    """
    known = {image.name: image for image in IMAGES}
    for name in names:
        if name not in known:
            near = near_name(name, known)
            hint = f"; did you mean {near}?" if near else ""
            raise RollcallError(f"unknown image: expected one of {', '.join(known)}, got '{name}'{hint}")
    return tuple(image for image in IMAGES if image.name in names or not names)


def by_reference(reference: str) -> OwnImage | None:
    """Find an image by its full name."""
    return next((image for image in IMAGES if image.reference == reference), None)


def source(relative: str) -> Path:
    """Return a part of this package, by its path from the folder that holds `rollcall/`."""
    return project.PACKAGE.parent / relative


def key(recipe: Recipe) -> str:
    """Digest all files that an image is built from; the same digest needs no new build."""
    return cached.key([cached.tree_key(recipe.directory), *(_source_key(source(part)) for part in recipe.sources)])


def _source_key(path: Path) -> str:
    return cached.tree_key(path) if path.is_dir() else cached.key([path.read_bytes()])
