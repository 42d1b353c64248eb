"""The service keeps a file that it accepts, whatever fails."""

import os
from pathlib import Path

import own_template
import pytest

from rollcall.contract.template_rendering import Rendering
from rollcall.contract.template_settings import Template
from rollcall.template_sync.commands import CommandError, Here, NotRunningError, Purpose
from rollcall.template_sync.destination import Destination
from rollcall.template_sync.guard import Guard, RefusedError

GOOD, BETTER = "server 10.0.0.1:80\n", "server 10.0.0.1:80\nserver 10.0.0.2:80\n"


class Service:
    """A service that runs the commands: `loaded` is the text that it has read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.loaded: list[str] = []
        self.refuses: dict[Purpose, CommandError | None] = {"check": None, "reload": None}
        self.takes_back = True

    def run(self, purpose: Purpose) -> None:
        problem = self.refuses[purpose]
        if purpose == "reload":
            if problem and self.takes_back:
                self.refuses["reload"] = None
            self.loaded.append(self.path.read_text() if self.path.exists() else "nothing")
        if problem:
            raise problem


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "service.cfg"


@pytest.fixture
def template(path: Path) -> Template:
    return own_template.template("true", path, reload="true", owner=f"{os.geteuid()}:{os.getegid()}", mode="0640")


@pytest.fixture
def service(path: Path) -> Service:
    return Service(path)


@pytest.fixture
def guard(template: Template, service: Service) -> Guard:
    return Guard(template, "", Destination(template), service)


def good(text: str) -> Rendering:
    return Rendering(text, True)


def only(path: Path) -> bool:
    """Return whether neither a candidate nor a former file is left beside it."""
    return [one.name for one in path.parent.iterdir()] == [path.name]


def test_a_valid_rendering_is_installed_and_loaded(guard: Guard, service: Service, path: Path) -> None:
    assert guard.apply(good(GOOD))
    assert guard.apply(good(BETTER))
    assert service.loaded == [GOOD, BETTER]
    assert path.read_text() == BETTER
    assert path.stat().st_mode & 0o7777 == 0o640
    assert only(path)


def test_an_unchanged_rendering_only_corrects_the_rights(guard: Guard, service: Service, path: Path) -> None:
    guard.apply(good(GOOD))
    path.chmod(0o600)
    assert not guard.apply(good(GOOD))
    assert service.loaded == [GOOD]
    assert path.stat().st_mode & 0o7777 == 0o640


def test_a_broken_candidate_leaves_the_file_and_the_reason_is_reported(
    guard: Guard, service: Service, path: Path
) -> None:
    guard.apply(good(GOOD))
    service.refuses["check"] = CommandError("exit status 1: unknown keyword")
    with pytest.raises(RefusedError, match="its check fails: exit status 1: unknown keyword") as refusal:
        guard.apply(good(BETTER))
    assert not refusal.value.final
    assert path.read_text() == GOOD
    assert service.loaded == [GOOD]
    assert only(path)


def test_a_failing_reload_puts_the_former_file_back_and_has_it_read(guard: Guard, service: Service, path: Path) -> None:
    guard.apply(good(GOOD))
    service.refuses["reload"] = CommandError("exit status 1")
    with pytest.raises(RefusedError, match=r"the reload fails \(exit status 1\); the former file is back$") as refusal:
        guard.apply(good(BETTER))
    assert refusal.value.final, "each try disturbs the service"
    assert service.loaded == [GOOD, BETTER, GOOD]
    assert path.read_text() == GOOD
    assert only(path)


def test_a_service_that_went_away_before_its_reload_gets_another_try(guard: Guard, service: Service) -> None:
    guard.apply(good(GOOD))
    service.refuses["reload"] = NotRunningError("it is stopped")
    with pytest.raises(RefusedError, match="it is stopped") as refusal:
        guard.apply(good(BETTER))
    assert not refusal.value.final


def test_a_reload_that_keeps_failing_is_reported(guard: Guard, service: Service, path: Path) -> None:
    guard.apply(good(GOOD))
    service.refuses["reload"], service.takes_back = CommandError("gone"), False
    with pytest.raises(RefusedError, match="the former file is back, but its reload fails, too: gone"):
        guard.apply(good(BETTER))
    assert path.read_text() == GOOD


def test_a_failing_reload_of_the_first_file_leaves_none(guard: Guard, service: Service, path: Path) -> None:
    service.refuses["reload"] = CommandError("gone")
    with pytest.raises(RefusedError):
        guard.apply(good(GOOD))
    assert service.loaded == [GOOD, "nothing"]
    assert not list(path.parent.iterdir())


def test_losing_everything_keeps_the_file_unchecked_and_unread(guard: Guard, service: Service, path: Path) -> None:
    guard.apply(good(GOOD))
    for lost in (good("nothing\n"), Rendering(BETTER, False)):
        with pytest.raises(RefusedError):
            guard.apply(lost)
    assert service.loaded == [GOOD]
    assert path.read_text() == GOOD


def test_a_service_that_waits_for_its_first_file_gets_it(guard: Guard, service: Service, path: Path) -> None:
    service.refuses["check"] = NotRunningError("no such container")
    assert guard.apply(good(GOOD))
    assert path.read_text() == GOOD
    assert service.loaded == []
    assert only(path)


def test_a_service_that_is_away_keeps_its_file_until_the_next_can_be_checked(
    guard: Guard, service: Service, path: Path
) -> None:
    guard.apply(good(GOOD))
    service.refuses["check"] = NotRunningError("it is stopped")
    with pytest.raises(RefusedError, match="it cannot be checked: it is stopped"):
        guard.apply(good(BETTER))
    service.refuses["check"] = None
    assert guard.apply(good(BETTER))
    assert path.read_text() == BETTER


def test_a_change_that_was_cut_off_before_its_reload_is_undone_first(
    template: Template, guard: Guard, service: Service, path: Path
) -> None:
    guard.apply(good(GOOD))
    cut_off = Destination(template)
    cut_off.write_candidate(BETTER)
    cut_off.swap()
    with pytest.raises(RefusedError, match="unfinished"):
        guard.apply(good(BETTER))
    assert path.read_text() == GOOD
    assert service.loaded[-1] == GOOD
    assert guard.apply(good(BETTER))
    assert service.loaded[-1] == BETTER


def test_a_directory_that_is_gone_is_a_reason_and_no_crash(tmp_path: Path) -> None:
    template = own_template.template("true", tmp_path / "absent" / "file")
    with pytest.raises(RefusedError, match="cannot be written: "):
        Guard(template, "", Destination(template), Here(template)).apply(good(GOOD))


def test_what_a_check_prints_is_its_reason(tmp_path: Path) -> None:
    template = own_template.template("echo bad $0 {candidate} >&2; exit 3", tmp_path / "file")
    with pytest.raises(CommandError, match=rf"^exit status 3: bad /bin/sh {tmp_path}/\.file\.candidate$"):
        Here(template).run("check")


def test_a_symlink_in_place_of_the_file_does_not_expose_its_target(guard, path: Path, tmp_path: Path) -> None:
    """Otherwise the directory's owner could take over another service's file, or have it read."""
    secret = tmp_path / "of-another-service"
    secret.write_text(GOOD)
    secret.chmod(0o600)
    path.symlink_to(secret)
    assert guard.apply(good(GOOD))
    assert secret.stat().st_mode & 0o777 == 0o600
    assert path.read_text() == GOOD and not path.is_symlink()


def test_a_link_is_back_in_its_place_where_the_service_does_not_reload(
    guard, path: Path, service: Service, tmp_path: Path
) -> None:
    path.symlink_to(tmp_path / "nowhere")
    service.refuses["reload"] = CommandError("exit status 1")
    with pytest.raises(RefusedError, match="the former file is back"):
        guard.apply(good(GOOD))
    assert path.readlink() == tmp_path / "nowhere"
