"""`rollcall lab down --purge` leaves no image of the lab's name, and every other."""

import docker
import pytest

from rollcall.lab import lifecycle
from rollcall.lab.dockerfile import local_name

# Not the lab's own, which may be up.
PREFIX = "rollcall-purged"


def test_images_of_the_labs_name_go_and_others_stay(
    engine: docker.DockerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lifecycle, "PREFIX", PREFIX)
    monkeypatch.setattr(lifecycle, "IMAGE_LABEL", "rollcall.test.none")
    image = engine.images.get(local_name("nginx:1.30"))
    ours = [f"{PREFIX}/host:1", f"{PREFIX}/rollcall/front:0.0.1", f"{PREFIX}/test/chromium:1"]
    other = f"{PREFIX}-by-somebody/host:1"
    for name in (*ours, other):
        image.tag(name)
    try:
        lifecycle._remove_images()
        left = {name for one in engine.images.list() for name in one.tags}
        assert not left & set(ours)
        assert {other, local_name("nginx:1.30")} <= left
    finally:
        engine.images.remove(other)
