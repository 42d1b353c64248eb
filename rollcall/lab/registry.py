"""Run the lab's image registry, which the lab hosts' engines use first."""

import json
import urllib.error
import urllib.request
from typing import Any

from rollcall import waiting
from rollcall.console import step
from rollcall.errors import RollcallError
from rollcall.images.cached import CACHE
from rollcall.images.docker import docker, inspect
from rollcall.lab.catalogue import IMAGES, REGISTRY, Image
from rollcall.lab.layout import LABEL, LOOPBACK, NETWORK, REGISTRY_ADDRESS, REGISTRY_PORT
from rollcall.lab.layout import REGISTRY as CONTAINER

_HOST = f"{LOOPBACK}:{REGISTRY_PORT}"
_START_TIMEOUT_SECONDS = 20
_RESPONSE_TIMEOUT_SECONDS = 5
# Both image formats; without this header an old registry returns a format that engines no longer read.
_ACCEPT = ", ".join(
    f"application/vnd.{kind}+json"
    for kind in (
        "docker.distribution.manifest.v2",
        "oci.image.manifest.v1",
        "docker.distribution.manifest.list.v2",
        "oci.image.index.v1",
    )
)


def create_arguments(user: str) -> list[str]:
    """Return docker's arguments that start the registry; `user` (uid:gid) owns its storage in the cache."""
    return [
        *("run", "--detach", f"--name={CONTAINER}", f"--label={LABEL}=1", f"--user={user}"),
        "--label=SERVICE_IGNORE=true",
        *(f"--network={NETWORK}", f"--ip={REGISTRY_ADDRESS}", f"--publish={_HOST}:5000"),
        f"--mount=type=bind,source={CACHE / 'registry'},target=/var/lib/registry",
        REGISTRY.local,
    ]


def ensure(user: str) -> list[str]:
    """Make sure that the registry runs and holds every current image; return the names of the pushed images.

    Raises:
        RollcallError: it does not respond, or an image cannot be pushed.
    """
    _ensure_running(user)
    local = inspect("image", [image.local for image in IMAGES if image.offered])
    missing = [image for image in IMAGES if image.offered and not _holds(image, local[image.local])]
    for image in missing:
        with step(f"Pushing {image.name} to the lab's registry"):
            _push(image)
    return [image.name for image in missing]


def _ensure_running(user: str) -> None:
    found = inspect("container", [CONTAINER]).get(CONTAINER)
    newest = inspect("image", [REGISTRY.local])[REGISTRY.local]["Id"]
    if found and found["Image"] != newest:
        docker("rm", "--force", "--volumes", CONTAINER, doing="replace the lab's registry")
        found = None
    if found is None:
        (CACHE / "registry").mkdir(parents=True, exist_ok=True)
        docker(*create_arguments(user), doing="start the lab's registry")
    elif not found["State"]["Running"]:
        docker("start", CONTAINER, doing="start the lab's registry")
    if not waiting.until(responds, _START_TIMEOUT_SECONDS):
        raise RollcallError(
            f"The lab's registry does not respond at {_HOST} after {_START_TIMEOUT_SECONDS} s: docker logs {CONTAINER}"
        )


def responds() -> bool:
    """Return whether the registry responds on the machine's loopback."""
    return _get("/v2/") is not None


def holds(image: Image) -> bool:
    """Return whether the registry has an image under this name, current or not."""
    return _get(_manifest_path(image)) is not None


def _holds(image: Image, local: dict[str, Any]) -> bool:
    response = _get(_manifest_path(image))
    if response is None:
        return False
    manifest, digest = response
    # An engine identifies an image by its configuration or, with containerd's store, by its manifest.
    return bool(local["Id"] in (manifest.get("config", {}).get("digest"), digest))


def repository(image: Image) -> tuple[str, str]:
    """Split a public name as Docker Hub does: `nginx:1.30` is `library/nginx` and `1.30`."""
    name, _, tag = image.name.partition(":")
    return (name if "/" in name else f"library/{name}"), tag


def _manifest_path(image: Image) -> str:
    name, tag = repository(image)
    return f"/v2/{name}/manifests/{tag}"


def _get(path: str) -> tuple[dict[str, Any], str] | None:
    request = urllib.request.Request(f"http://{_HOST}{path}", headers={"Accept": _ACCEPT})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=_RESPONSE_TIMEOUT_SECONDS) as response:
            return json.load(response), response.headers.get("Docker-Content-Digest", "")
    except (OSError, ValueError, urllib.error.URLError):
        return None


def _push(image: Image) -> None:
    name, tag = repository(image)
    target = f"{_HOST}/{name}:{tag}"
    docker("tag", image.local, target, doing=f"name {image.name}")
    try:
        docker("push", "--quiet", target, doing=f"push {image.name} to the lab's registry")
    finally:
        docker("rmi", target, doing=f"remove the name {target}")
