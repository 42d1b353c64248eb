from pathlib import Path
from typing import Any

import pytest
from own_images import REFERENCES

from rollcall.converge.docker_query import EngineState
from rollcall.converge.resources import Container, ImageSource
from rollcall.deploy import images
from rollcall.errors import RollcallError
from rollcall.images import docker
from rollcall.images.registry import Offer
from rollcall.images.saved import Blob, Saved

FRONT, REGISTRATOR = REFERENCES["front"], REFERENCES["registrator"]


def wanted(image: str, source: ImageSource = "push") -> Container:
    return Container("one", image, "", image_source=source)


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The images of this machine's engine."""
    found: dict[str, Any] = {}
    monkeypatch.setattr(docker, "inspect", lambda _, names: {name: found[name] for name in names if name in found})
    images._local.cache_clear()
    return found


def put(here: dict[str, Any], name: str, architecture: str = "amd64") -> None:
    here[name] = {"Os": "linux", "Architecture": architecture, "Size": 12_345_678}


def problem(*missing: Container, platform: str = "linux/amd64") -> str:
    with pytest.raises(RollcallError) as raised:
        images.check("web1", missing, platform)
    return str(raised.value)


def test_images_that_are_not_here_are_named_with_the_command_that_builds_them(here: dict[str, Any]) -> None:
    put(here, "nginx:1.30")
    assert problem(wanted(REGISTRATOR), wanted("nginx:1.30"), wanted(FRONT)) == (
        f"web1: the deploy pushes {REGISTRATOR} and {FRONT} from this machine, which does not have them; "
        "run `rollcall images build registrator front`"
    )


def test_images_of_others_are_pulled_here_first() -> None:
    assert problem(wanted("nginx:1.30")) == (
        "web1: the deploy pushes nginx:1.30 from this machine, which does not have it; run `docker pull nginx:1.30`"
    )


def test_an_image_for_another_architecture_is_not_sent(here: dict[str, Any]) -> None:
    put(here, FRONT)
    assert problem(wanted(FRONT), platform="linux/arm64") == (
        f"web1: its engine runs linux/arm64, but {FRONT} on this machine is for linux/amd64; "
        "run `rollcall images build front --platform linux/arm64`"
    )


def test_an_image_named_by_digest_cannot_be_pushed() -> None:
    assert "cannot push nginx@sha256:abc; expected a name with a tag" in problem(wanted("nginx@sha256:abc"))


def test_the_error_names_this_machines_engine_if_it_does_not_respond(monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(*_: object) -> None:
        raise RollcallError("The program docker is missing on this machine; install it.")

    monkeypatch.setattr(docker, "inspect", silent)
    assert problem(wanted(FRONT)).startswith("web1: cannot push images, since this machine's Docker Engine")


def test_what_is_here_and_what_is_pulled_is_in_nobodys_way(here: dict[str, Any]) -> None:
    put(here, FRONT, "arm64")
    images.check("web1", [wanted(FRONT), wanted("hashicorp/consul:9.9.9", "pull")], "linux/arm64/v8")
    images.check("web1", [wanted("hashicorp/consul:9.9.9", "pull")], "")


def test_every_image_that_will_be_brought_has_a_line(here: dict[str, Any]) -> None:
    put(here, FRONT)
    assert images.lines([wanted(FRONT), wanted("nginx:1.30", "pull")]) == [
        f"push image {FRONT} (12.3 MB)",
        "pull image nginx:1.30",
    ]


def test_a_removal_names_the_images_of_what_should_run_and_of_what_runs() -> None:
    ours = {"consul": {"Config": {"Image": "hashicorp/consul:1.22.7"}}, "shop": {"Config": {"Image": "shop:1"}}}
    engine = EngineState(ours, {FRONT: {"Id": "1"}}, {}, {}, managed=frozenset({"consul", "gone"}))
    resources = [wanted(FRONT), wanted(REGISTRATOR)]
    assert images.of_a_deploy(resources, engine) == ["hashicorp/consul:1.22.7", FRONT]


def test_a_push_says_when_only_the_host_is_at_work(tmp_path: Path) -> None:
    path = tmp_path / "image.tar"
    path.write_bytes(bytes(3_000_000))
    blob = Blob(path, 0, 2_000_000)
    offer = Offer(Saved(path, b"{}", {"sha256:one": blob, "sha256:other": Blob(path, 0, 1_000_000)}))
    assert images.progress(offer) == "0.0 MB of 3.0 MB sent"
    during: list[str] = []
    offer.send(blob, None, lambda _: during.append(images.progress(offer)))
    assert during[-1] == "2.0 MB of 3.0 MB sent"
    assert images.progress(offer) == "2.0 MB sent; the host unpacks it"
