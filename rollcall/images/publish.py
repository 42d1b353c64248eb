"""Push our images to the registry that a fleet's settings name."""

from collections.abc import Iterable

from rollcall.config.fleet import Member
from rollcall.config.settings import Settings
from rollcall.console import step
from rollcall.errors import RollcallError
from rollcall.images.catalogue import ACME_IMAGE, OwnImage
from rollcall.images.docker import docker, inspect


def targets(image: OwnImage, members: Iterable[Member]) -> list[str]:
    """Return an image's names in the hosts' settings that differ from the name it is built under."""
    names = {member.image(_configured(image.name, member.settings)) for member in members}
    return sorted(names - {image.reference})


def _configured(name: str, settings: Settings) -> str:
    return {
        "registrator": settings.registrator.image,
        "dns": settings.dns.image,
        "keepalived": settings.keepalived.image,
        "front": settings.front.image,
        "acme": settings.front.acme.image if settings.front.acme else ACME_IMAGE,
        "scheduler": settings.scheduler.image,
        "templates": settings.template_sync.image,
    }[name]


def publish(image: OwnImage, names: Iterable[str]) -> None:
    """Push an image of this machine under other names.

    Raises:
        RollcallError: it is missing here, or the registry rejects it.
    """
    if not inspect("image", [image.reference]):
        raise RollcallError(f"{image.reference} is not on this machine; run `rollcall images build {image.name}`")
    for name in names:
        with step(f"Pushing {name}"):
            docker("tag", image.reference, name, doing=f"name {name}")
            docker("push", "--quiet", name, doing=f"push {name}; `docker login` may be needed")
