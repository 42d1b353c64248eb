"""Build an image with this machine's engine."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rollcall import command
from rollcall.console import step
from rollcall.errors import RollcallError
from rollcall.images import catalogue, context
from rollcall.images.cached import CACHE
from rollcall.images.catalogue import OwnImage
from rollcall.images.docker import docker, inspect
from rollcall.program_output import reason

# Its value is the digest of everything that the image was built from.
LABEL = "rollcall.image"
# The kernel's error for a program of another architecture, as every Docker builder prints it.
_FOREIGN_PROGRAM = re.compile("exec format error", re.IGNORECASE)


def build(image: OwnImage, platform: str = "") -> None:
    """Build one of our images under its own name, for another platform if the engine can.

    Raises:
        RollcallError: it cannot be built.
    """
    log = CACHE / f"build-{image.name}.log"
    wanted = platform or engine_platform()
    with step(f"Building {image.reference} for {wanted}"):
        with context.prepared(image.recipe, wanted.split("/")[1]) as directory:
            label = f"{LABEL}={catalogue.key(image.recipe)}"
            run(arguments(image.reference, label, directory, platform), image.reference, log, platform)
        built = platform_of(inspect("image", [image.reference])[image.reference])
        if not is_same_platform(built, wanted):
            raise RollcallError(
                f"{image.reference}: got an image for {built}; expected one for {wanted}: this machine's engine has "
                f"its base images for {built} only"
            )


def arguments(tag: str, label: str, directory: Path, platform: str = "") -> list[str]:
    """Return docker's arguments that build a directory.

    The build uses the host's network, which has this machine's resolver and proxies; a container's own may lack them.
    """
    wanted = [f"--platform={platform}"] if platform else []
    return ["build", "--network=host", *wanted, f"--label={label}", f"--tag={tag}", str(directory)]


def run(docker_arguments: list[str], name: str, log: Path, platform: str = "") -> None:
    """Run `docker build`; if it fails, write all of its output to `log`.

    Raises:
        RollcallError: it fails.
    """
    # Without BuildKit's attestations an image is one manifest, which every engine and registry accepts.
    code, output, errors = command.attempt(
        ["docker", *docker_arguments], environment={"BUILDX_NO_DEFAULT_ATTESTATIONS": "1"}
    )
    if code == 0:
        return
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text(output + errors)
    if platform and _FOREIGN_PROGRAM.search(output + errors):
        raise RollcallError(
            f"cannot build {name}: this machine's engine cannot run programs for {platform}; install QEMU's handlers "
            f"(docs/images.md), or build on a machine of that architecture; all output is in {log}"
        )
    raise RollcallError(f"cannot build {name}: {reason(errors, output)}; all output is in {log}")


def engine_platform() -> str:
    """Return the platform of this machine's engine, such as linux/amd64.

    Raises:
        RollcallError: no engine responds.
    """
    return docker("version", "--format={{.Server.Os}}/{{.Server.Arch}}", doing="reach this machine's Docker Engine")


def platform_of(document: Mapping[str, Any]) -> str:
    """Return an image's platform from its inspect document."""
    parts = [document.get("Os", ""), document.get("Architecture", ""), document.get("Variant", "")]
    return "/".join(part for part in parts if part)


def is_same_platform(left: str, right: str) -> bool:
    """Compare two platforms; ignore a variant (the v8 of linux/arm64/v8) that only one of them names."""
    return all(a == b for a, b in zip(left.split("/"), right.split("/"), strict=False))
