from pathlib import Path

import pytest

from rollcall.images import cached


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cached, "CACHE", tmp_path / "cache")


def test_what_was_made_once_is_not_made_again() -> None:
    made: list[Path] = []

    def make(path: Path) -> None:
        made.append(path)
        path.write_text("consul")

    assert cached.get("consul-1", make) == cached.get("consul-1", make)
    assert cached.get("consul-1", make).read_text() == "consul"
    assert len(made) == 1


def test_an_interrupted_run_leaves_nothing_that_looks_finished_and_can_be_repeated() -> None:
    def interrupted(path: Path) -> None:
        path.mkdir()
        (path / "half").write_text("half of it")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cached.get("tree", interrupted)
    assert not (cached.CACHE / "tree").exists()

    def complete(path: Path) -> None:
        path.mkdir()
        (path / "whole").write_text("all of it")

    assert [file.name for file in cached.get("tree", complete).iterdir()] == ["whole"]


def test_a_key_distinguishes_parts_that_are_equal_when_joined() -> None:
    assert cached.key(["ab", "c"]) != cached.key(["a", "bc"])
    assert cached.key(["a", "b"]) == cached.key([b"a", "b"])


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    directory = tmp_path / "image"
    directory.mkdir()
    (directory / "Dockerfile").write_text("FROM debian:trixie-slim\n")
    (directory / "run").write_text("#!/bin/sh\n")
    return directory


def test_a_directorys_key_follows_contents_names_and_execute_bits(tree: Path) -> None:
    seen = {cached.tree_key(tree)}
    (tree / "run").write_text("#!/bin/sh\nexit\n")
    seen.add(cached.tree_key(tree))
    (tree / "run").chmod(0o755)
    seen.add(cached.tree_key(tree))
    (tree / "run").rename(tree / "start")
    seen.add(cached.tree_key(tree))
    assert len(seen) == 4


def test_pythons_own_caches_do_not_change_a_directorys_key(tree: Path) -> None:
    before = cached.tree_key(tree)
    (tree / "__pycache__").mkdir()
    (tree / "__pycache__" / "run.pyc").write_bytes(b"\0")
    assert cached.tree_key(tree) == before


def test_read_only_directories_are_removed_too(tmp_path: Path) -> None:
    (tmp_path / "module" / "deep").mkdir(parents=True)
    (tmp_path / "module" / "deep" / "file").write_text("")
    (tmp_path / "module" / "deep").chmod(0o500)
    cached.remove(tmp_path / "module")
    assert not (tmp_path / "module").exists()
