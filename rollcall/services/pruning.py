"""Choose the images of a service that no host needs any more: all but those of the last three versions that ran."""

import shlex
from collections.abc import Iterable, Sequence

from rollcall.converge.docker_query import as_listed
from rollcall.services.history import Record

KEPT = 3


def outdated(found: Sequence[Record]) -> list[str]:
    """Return the images to remove, from a service's records, the newest first."""
    kept: list[set[str]] = []
    for one in found:
        if one.done and _images(one) not in kept:
            kept.append(_images(one))
    needed = set().union(*kept[:KEPT])
    return sorted({image for one in found for image in _images(one)} - needed)


def _images(one: Record) -> set[str]:
    return {str(declaration["image"]) for declaration in one.declarations if "image" in declaration}


def remove(images: Iterable[str]) -> str:
    """Return the command that removes images by their names; one that a container was made from stays.

    Docker refuses to remove an image in use, but would take one of its two names.
    """
    pairs = shlex.join(f"{image}={as_listed(image)}" for image in images)
    return (
        "used=$(docker ps --all --quiet | xargs -r docker inspect --format '{{.Config.Image}}'); "
        f"for pair in {pairs}; do "
        'printf "%s\\n" "$used" | grep -qxF -- "${pair%%=*}" || docker rmi "${pair#*=}"; done >/dev/null 2>&1; true'
    )
