import dataclasses
from pathlib import Path

import pytest
from own_images import REFERENCES

from rollcall.config import project
from rollcall.images import build
from rollcall.lab import catalogue, images, registry
from rollcall.lab.catalogue import IMAGES, Image, Recipe
from rollcall.lab.layout import IMAGE_LABEL


def by_name(name: str) -> Image:
    return next(image for image in IMAGES if image.name == name)


def test_the_registry_offers_the_public_names_and_ours() -> None:
    assert {image.name for image in IMAGES if image.offered} == {
        "debian:trixie-slim",
        "hashicorp/consul:1.22.7",
        "hashicorp/consul-template:0.42.1",
        "nginx:1.30",
        "python:3.13-slim",
        *REFERENCES.values(),
    }


def test_on_the_machines_engine_no_image_shadows_a_public_one() -> None:
    assert all(image.local == f"rollcall-lab/{image.name}" for image in IMAGES)


def test_every_image_comes_after_its_parents() -> None:
    names = [image.name for image in IMAGES]
    for image in IMAGES:
        assert all(names.index(parent) < names.index(image.name) for parent in catalogue.parents(image))


def test_only_images_with_a_go_program_wait_for_go() -> None:
    assert {image.name for image in IMAGES if catalogue.needs_go(image)} == {
        "hashicorp/consul:1.22.7",
        "hashicorp/consul-template:0.42.1",
        "host:newest",
        REFERENCES["front"],
        REFERENCES["templates"],
    }


def test_engines_that_no_host_is_to_have_cost_nothing() -> None:
    default = set(catalogue.keys(hub=False))
    assert set(catalogue.keys(hub=False, engines=["26.1"])) == default
    assert set(catalogue.keys(hub=False, engines=["20.10"])) - default == {"debian:bookworm", "host:20.10"}
    assert set(catalogue.keys(hub=False, engines=["newest"])) - default == {"host:28.5", "host:newest"}


def test_a_host_of_another_release_is_made_from_that_ones_base() -> None:
    assert catalogue.parents(catalogue.HOSTS["20.10"]) == ["debian:bookworm"]
    assert catalogue.parents(catalogue.HOSTS["26.1"]) == ["debian:trixie-slim"]


def test_a_changed_source_of_the_registrator_changes_its_key_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "rollcall" / "registrator"
    source.mkdir(parents=True)
    (tmp_path / "rollcall" / "front").mkdir()
    (source / "loop.py").write_text("one")
    (tmp_path / "rollcall" / "__init__.py").write_text("")
    (tmp_path / "rollcall" / "template_sync").mkdir()
    (tmp_path / "rollcall" / "acme").mkdir()
    (tmp_path / "rollcall" / "scheduler").mkdir()
    (tmp_path / "rollcall" / "contract").mkdir()
    monkeypatch.setattr(project, "PACKAGE", tmp_path / "rollcall")
    before = catalogue.keys(hub=False)
    (source / "loop.py").write_text("two")
    after = catalogue.keys(hub=False)
    assert {name for name in before if before[name] != after[name]} == {REFERENCES["registrator"]}


def test_a_changed_parent_changes_the_keys_of_what_is_made_from_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "Dockerfile").write_text("FROM debian:testing\n")
    before = catalogue.keys(hub=False)
    nginx = dataclasses.replace(by_name("nginx:1.30"), source=Recipe(directory=tmp_path))
    monkeypatch.setattr(catalogue, "IMAGES", tuple(nginx if image.name == nginx.name else image for image in IMAGES))
    after = catalogue.keys(hub=False)
    assert {name for name in before if before[name] != after[name]} == {"nginx:1.30", REFERENCES["front"]}


def test_from_the_hub_public_images_are_pulled_and_ours_are_still_built() -> None:
    keys = catalogue.keys(hub=True)
    pulled = {name for name, key in keys.items() if key == f"hub-{name}"}
    assert pulled == {
        "debian:trixie-slim",
        "hashicorp/consul:1.22.7",
        "hashicorp/consul-template:0.42.1",
        "nginx:1.30",
        "python:3.13-slim",
    }
    assert "debian:testing" not in keys
    assert {REFERENCES["front"], "host:1", "registry:2.8"} <= set(keys)


def test_a_pulled_image_is_kept_under_the_labs_name_only() -> None:
    assert images.pull_commands(by_name("nginx:1.30"), already_there=False) == [
        ["pull", "nginx:1.30"],
        ["tag", "nginx:1.30", "rollcall-lab/nginx:1.30"],
        ["rmi", "nginx:1.30"],
    ]


def test_a_public_name_that_was_there_before_stays_after_pulling() -> None:
    assert ["rmi", "nginx:1.30"] not in images.pull_commands(by_name("nginx:1.30"), already_there=True)


@pytest.mark.parametrize(
    ("name", "repository"),
    [("nginx:1.30", ("library/nginx", "1.30")), ("hashicorp/consul:1.22.7", ("hashicorp/consul", "1.22.7"))],
)
def test_images_are_pushed_where_an_engine_looks_for_them_in_a_mirror(name: str, repository: tuple[str, str]) -> None:
    assert registry.repository(by_name(name)) == repository


def test_an_unknown_image_source_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMAGES", "quay")
    with pytest.raises(images.RollcallError, match="IMAGES: got 'quay'; expected hub"):
        images.from_hub()


def test_a_container_of_a_lab_image_is_not_part_of_the_lab() -> None:
    # A container inherits every label of its image: `lab down` would remove other users' nginx.
    arguments = [
        *build.arguments(by_name("nginx:1.30").local, f"{IMAGE_LABEL}=abc", Path("/tmp/context")),
        *images.import_arguments(by_name("debian:trixie-slim"), "abc", "/tmp/base.tar"),
    ]
    assert not [argument for argument in arguments if "rollcall.lab=" in argument]
