"""Resolve the tags of services' images to digests, once in a run, so that all hosts run the same."""

from collections.abc import Mapping, Set
from dataclasses import replace

from gevent.lock import RLock
from pyinfra import logger
from pyinfra.api.host import Host

from rollcall.components import jobs
from rollcall.components.services import NAME
from rollcall.config.fleet import Fleet, Member
from rollcall.config.service import Service
from rollcall.converge import registry_pull
from rollcall.deploy import callbacks
from rollcall.deploy.services import scope
from rollcall.secrets.registry_logins import RegistryLogins


class _Digests:
    """The digests of this run, which its first host with services reads for all."""

    def __init__(self) -> None:
        self.reading = RLock()
        self.found: dict[str, str] | None = None


_run = _Digests()


def pinned(fleet: Fleet, member: Member, host: Host, logins: RegistryLogins) -> Fleet:
    """Return the fleet with the images of its services named by digest, as far as this host needs to know.

    An image whose registry does not respond stays the one that the host's containers have.
    """
    tagged = _tagged(member)
    if not tagged and not _tag_of_a_version():
        return fleet
    with _run.reading:
        if _run.found is None:
            declared = {image for one in fleet.members for image in _tagged(one)}
            _run.found = _resolve(declared, host, logins, also=_tag_of_a_version())
        found = dict(_run.found)
    if tagged - found.keys():
        _, output = callbacks.run(host, "; ".join(registry_pull.images_of(one) for one in (NAME, jobs.NAME)))
        for image in tagged - found.keys():
            found[image] = next((one for one in output.stdout.split() if one.startswith(f"{image}@")), image)
    return replace(fleet, members=tuple(_pinned_member(one, found) for one in fleet.members))


def as_tagged(image: str) -> str:
    """Return an image by its tag alone, if the registry has said in this run that the tag still leads to its digest."""
    tag = image.partition("@")[0]
    return tag if _run.found and _run.found.get(tag) == image else image


def _tag_of_a_version() -> set[str]:
    """Return the tag of the earlier version that this run releases."""
    record = scope.current().record
    return {tag for tag, _, digest in [record.image.partition("@")] if digest} if record else set()


def _pinned_member(member: Member, found: Mapping[str, str]) -> Member:
    services = tuple(_pinned(member, service, found) for service in member.settings.services)
    return replace(member, settings=member.settings.model_copy(update={"services": services}))


def _tagged(member: Member) -> set[str]:
    """Return the images of a host's services that it pulls by a tag."""
    services = (service for service in member.settings.services if service.count and _is_tagged(member, service))
    return {member.image(service.image) for service in services}


def _is_tagged(member: Member, service: Service) -> bool:
    pulled = member.image_source(service.image, service.image_source) == "pull"
    return pulled and "@" not in service.image


def _pinned(member: Member, service: Service, found: Mapping[str, str]) -> Service:
    if not _is_tagged(member, service):
        return service
    image = member.image(service.image)
    return service.model_copy(update={"image": found.get(image, image)})


def _resolve(declared: Set[str], host: Host, logins: RegistryLogins, also: Set[str]) -> dict[str, str]:
    """Return the images with their digests as the registries have them now; an unknown one is missing."""
    images = sorted(declared | also)
    given = registry_pull.resolve_input({image: logins.header(image) for image in images})
    _, output = callbacks.run(host, registry_pull.resolve(), given)
    found, missing = registry_pull.digests(output.stdout, images)
    for image in missing.keys() & declared:
        why = missing[image]
        logger.warning(f"{image}: {host.name} cannot ask its registry ({why}); hosts keep the version that they have")
    return {image: f"{image}@{digest}" for image, digest in found.items()}
