"""An unusable directory is one sentence from every method; a draft leaves nothing behind."""

import multiprocessing
import os
import resource
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rollcall.config.fleet import Fleet
from rollcall.errors import RollcallError
from rollcall.secrets import store
from rollcall.secrets.private_directory import PrivateDirectory

NOBODY = 65534
USES: dict[str, Callable[[PrivateDirectory], object]] = {
    "has": lambda one: one.has("a"),
    "read": lambda one: one.read("a"),
    "write": lambda one: one.write("b", "text"),
    "keep": lambda one: one.keep("a", "c"),
    "rename": lambda one: one.rename("a", "d"),
    "remove": lambda one: one.remove("a"),
}


def as_nobody(tries: Callable[[], object]) -> str:
    """Run a function as a user who owns nothing; return the error's sentence, or the other outcome."""

    def child(answers: "multiprocessing.connection.Connection") -> None:
        os.setuid(NOBODY)
        try:
            answers.send(f"did it: {tries()!r}")
        except RollcallError as problem:
            answers.send(str(problem))
        except BaseException as error:
            answers.send(repr(error))

    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("fork").Process(target=child, args=(there,))
    process.start()
    said = here.recv()
    process.join()
    return str(said)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A secret directory in one that every user may enter, unlike pytest's own."""
    with tempfile.TemporaryDirectory(prefix="rollcall-test-") as parent:
        Path(parent).chmod(0o755)
        PrivateDirectory(Path(parent) / "lab").write("a", "text")
        yield Path(parent) / "lab"


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")


@needs_root
@pytest.mark.parametrize("draft", [True, False])
def test_another_users_directory_is_one_sentence(folder: Path, draft: bool) -> None:
    said = as_nobody(lambda: PrivateDirectory(folder, draft=draft))
    assert said == f"{folder}: permission denied ({folder} belongs to root); expected secrets that nobody can use"


@needs_root
@pytest.mark.parametrize("use", USES)
def test_every_method_fails_with_one_sentence(folder: Path, use: str) -> None:
    opened = PrivateDirectory(folder)
    said = as_nobody(lambda: USES[use](opened))
    assert f"{folder}" in said
    assert "permission denied (" in said


@needs_root
def test_a_directory_that_cannot_be_created_is_one_sentence(folder: Path) -> None:
    said = as_nobody(lambda: PrivateDirectory(folder.parent / ".secrets" / "new"))
    assert said.startswith(f"{folder.parent}/.secrets/new: permission denied ({folder.parent} belongs to root)")


@needs_root
def test_that_a_draft_cannot_be_committed_is_known_before(folder: Path) -> None:
    PrivateDirectory(folder).check_can_commit()
    said = as_nobody(lambda: PrivateDirectory(folder.parent / "new" / "lab", draft=True).check_can_commit())
    assert said.startswith(f"{folder.parent}/new/lab: cannot be written to ({folder.parent} belongs to root)")


@needs_root
def test_what_root_writes_in_a_users_directory_is_the_users(folder: Path) -> None:
    os.chown(folder, NOBODY, NOBODY)
    PrivateDirectory(folder).write("b", "text")
    assert (folder / "b").stat().st_uid == NOBODY


def test_a_full_disk_is_one_sentence_and_leaves_no_incomplete_file(folder: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, before[1]))
    try:
        with pytest.raises(RollcallError, match="b: file too large"):
            PrivateDirectory(folder).write("b", "text" * 100)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    assert [one.name for one in folder.iterdir()] == ["a"]


@pytest.mark.parametrize("draft", [True, False])
def test_a_file_in_its_place_is_one_sentence(tmp_path: Path, draft: bool) -> None:
    (tmp_path / ".secrets").touch(0o600)
    with pytest.raises(RollcallError, match=r"\.secrets/lab: (not a directory|file exists)"):
        opened = PrivateDirectory(tmp_path / ".secrets" / "lab", draft=draft)
        opened.check_can_commit()


def test_a_draft_leaves_nothing_until_it_is_committed(tmp_path: Path, fleet: Fleet) -> None:
    draft = PrivateDirectory(tmp_path / ".secrets" / "lab", draft=True)
    made = store.read(draft, fleet)
    assert draft.pending
    assert list(tmp_path.iterdir()) == []
    draft.commit()
    assert not draft.pending
    assert store.read(PrivateDirectory(draft.path), fleet) == made
    assert {file.stat().st_mode & 0o777 for file in draft.path.iterdir()} == {0o600}


def test_a_draft_of_a_whole_directory_has_nothing_to_commit(tmp_path: Path, fleet: Fleet) -> None:
    made = store.read(PrivateDirectory(tmp_path / "lab"), fleet)
    draft = PrivateDirectory(tmp_path / "lab", draft=True)
    assert store.read(draft, fleet) == made
    assert not draft.pending


def test_a_certificate_that_is_due_is_renewed_in_the_draft(tmp_path: Path, fleet: Fleet) -> None:
    store.read(PrivateDirectory(tmp_path / "lab"), fleet)
    (tmp_path / "lab" / "operator.crt.pem").unlink()
    draft = PrivateDirectory(tmp_path / "lab", draft=True)
    made = store.read(draft, fleet)
    assert not (tmp_path / "lab" / "operator.crt.pem").exists()
    draft.commit()
    assert store.read(PrivateDirectory(tmp_path / "lab"), fleet).operator == made.operator
