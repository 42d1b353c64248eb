"""Name the images of services by the digests that run, which a deploy resolved their tags to. No I/O."""

from collections.abc import Mapping
from dataclasses import replace

from rollcall.config.fleet import Member
from rollcall.config.service import Service


def as_running(member: Member, images: Mapping[str, str]) -> Member:
    """Return a host with its services' tags as the digests that its containers have.

    A deploy resolves a tag anew; until the next one, a tag that moved is no difference.

    Args:
        member: the host.
        images: the images of its containers, by the containers' names.
    """
    services = tuple(_pinned(member, service, images) for service in member.settings.services)
    return replace(member, settings=member.settings.model_copy(update={"services": services}))


def _pinned(member: Member, service: Service, images: Mapping[str, str]) -> Service:
    tag = member.image(service.image)
    running = (images.get(name, "") for name in (*service.containers, service.job))
    return service.model_copy(update={"image": next((one for one in running if one.startswith(f"{tag}@")), tag)})
