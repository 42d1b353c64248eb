"""Images that only tests need, made on top of the lab's."""

import shutil
import tempfile
from pathlib import Path

import docker

from rollcall.lab import catalogue
from rollcall.lab.dockerfile import local_name, localised
from rollcall.lab.layout import IMAGE_LABEL


def made(engine: docker.DockerClient, folder: Path) -> str:
    """Make the image of a folder with a Dockerfile, and give its name.

    Docker knows whether it is still the same. It is called as the lab's own are and has their label, so that
    `rollcall lab down --purge` removes it with them.
    """
    name = local_name(f"test/{folder.name}:1")
    with tempfile.TemporaryDirectory() as context:
        shutil.copytree(folder, context, dirs_exist_ok=True)
        text = localised((folder / "Dockerfile").read_text(), catalogue.NAMES)
        (Path(context) / "Dockerfile").write_text(text)
        engine.images.build(path=context, tag=name, labels={IMAGE_LABEL: "test"}, network_mode="host", rm=True)
    return name
