"""Generations of nginx's configuration on the volume."""

from pathlib import Path
from typing import Any

import pytest

from rollcall.front.nginx.generation import Contents, Generations


@pytest.fixture
def generations(tmp_path: Path) -> Generations:
    state, configuration = tmp_path / "state", tmp_path / "configuration"
    state.mkdir()
    (configuration / "tls").mkdir(parents=True)
    (configuration / "nginx.conf").write_text("events {}\n")
    (configuration / "tls" / "front.key").write_text("KEY\n")
    return Generations(state, configuration)


def contents(sites: str = "", catalog: str = "{}", streams: str = "# streams\n") -> Contents:
    return Contents(sites or upstream(80), streams, catalog, "[]\n")


def test_a_generation_is_complete_and_responds_with_its_number(generations: Generations) -> None:
    generations.build(7, contents())
    directory = generations.directory(7)
    assert (directory / "nginx.conf").read_text() == "events {}\n"
    assert (directory / "generation.conf").read_text() == 'return 200 "7\\n";\n'
    assert (directory / "tls" / "front.key").stat().st_mode & 0o777 == 0o600
    assert generations.contents(7) == contents()


def test_a_build_removes_leftovers_of_an_earlier_attempt(generations: Generations) -> None:
    generations.build(1, contents())
    (generations.directory(1) / "left.conf").touch()
    generations.build(1, contents())
    assert not (generations.directory(1) / "left.conf").exists()


def test_before_the_first_generation_the_number_is_0(generations: Generations) -> None:
    assert generations.current() == 0
    assert generations.contents(0) is None


def test_the_link_points_to_the_current_generation(generations: Generations) -> None:
    for number in (1, 2):
        generations.build(number, contents())
        generations.make_current(number)
        assert generations.current() == number
        assert (generations.link / "generation.conf").read_text() == f'return 200 "{number}\\n";\n'


def test_other_generations_are_removed(generations: Generations) -> None:
    for number in (1, 2, 3):
        generations.build(number, contents())
    generations.keep_only(2)
    assert [path.name for path in generations.state.iterdir()] == ["generation.2"]


def upstream(*ports: int) -> str:
    servers = "".join(f"    server 10.0.0.1:{port} max_fails=3 fail_timeout=60 weight=1;\n" for port in ports)
    return f"upstream shop {{\n    zone instances 64k;\n{servers}}}\n"


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        (lambda _: contents(), "nothing"),
        (lambda _: contents(catalog='{"instances": []}'), "nothing"),
        (lambda _: contents(sites=upstream(80, 81)), "servers"),
        (lambda _: contents(streams=upstream(82)), "more"),
        (lambda _: contents(sites="server { }\n"), "more"),
        (lambda one: (one.configuration / "nginx.conf").write_text("events { }\n") and contents(), "more"),
        (lambda one: (one.configuration / "tls" / "front.key").write_text("OTHER\n") and contents(), "more"),
        (lambda one: (one.configuration / "tls" / "new.crt").write_text("NEW\n") and contents(upstream(81)), "more"),
    ],
)
def test_what_is_different_for_nginx(generations: Generations, change: Any, difference: str) -> None:
    generations.build(1, contents())
    generations.build(2, change(generations))
    assert generations.difference(1, 2) == difference


def test_everything_is_different_from_a_generation_that_does_not_exist(generations: Generations) -> None:
    generations.build(1, contents())
    assert generations.difference(1, 0) == "more"


def test_a_missing_file_is_an_error_and_leaves_no_complete_generation(generations: Generations) -> None:
    (generations.configuration / "nginx.conf").unlink()
    with pytest.raises(FileNotFoundError):
        generations.build(1, contents())
    assert generations.contents(1) is None
