"""Generations of nginx's configuration on the volume."""

from pathlib import Path

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


def contents(sites: str = "server {}\n", catalog: str = "{}") -> Contents:
    return Contents(sites, catalog, "[]\n")


def test_a_generation_is_whole_and_answers_with_its_number(generations: Generations) -> None:
    generations.build(7, contents())
    directory = generations.directory(7)
    assert (directory / "nginx.conf").read_text() == "events {}\n"
    assert (directory / "generation.conf").read_text() == 'return 200 "7\\n";\n'
    assert (directory / "tls" / "front.key").stat().st_mode & 0o777 == 0o600
    assert generations.contents(7) == contents()


def test_what_is_left_of_an_earlier_attempt_is_no_part_of_a_generation(generations: Generations) -> None:
    generations.build(1, contents())
    (generations.directory(1) / "left.conf").touch()
    generations.build(1, contents())
    assert not (generations.directory(1) / "left.conf").exists()


def test_the_first_one_has_none_before_it(generations: Generations) -> None:
    assert generations.current() == 0
    assert generations.contents(0) is None


def test_the_current_one_is_where_the_link_leads(generations: Generations) -> None:
    for number in (1, 2):
        generations.build(number, contents())
        generations.make_current(number)
        assert generations.current() == number
        assert (generations.link / "generation.conf").read_text() == f'return 200 "{number}\\n";\n'


def test_others_are_forgotten(generations: Generations) -> None:
    for number in (1, 2, 3):
        generations.build(number, contents())
    generations.keep_only(2)
    assert [path.name for path in generations.state.iterdir()] == ["generation.2"]


@pytest.mark.parametrize(
    ("change", "same"),
    [
        (lambda _: contents(), True),
        (lambda _: contents(catalog='{"instances": []}'), True),
        (lambda _: contents(sites="server { }\n"), False),
        (lambda one: (one.configuration / "nginx.conf").write_text("events { }\n") and contents(), False),
        (lambda one: (one.configuration / "tls" / "front.key").write_text("OTHER\n") and contents(), False),
        (lambda one: (one.configuration / "tls" / "new.crt").write_text("NEW\n") and contents(), False),
    ],
)
def test_what_nginx_would_not_notice_is_the_same(generations: Generations, change, same: bool) -> None:
    generations.build(1, contents())
    generations.build(2, change(generations))
    assert generations.same(1, 2) is same


def test_a_missing_file_is_an_error_and_not_half_a_generation_taken_for_whole(generations: Generations) -> None:
    (generations.configuration / "nginx.conf").unlink()
    with pytest.raises(FileNotFoundError):
        generations.build(1, contents())
    assert generations.contents(1) is None
