"""Errors if no Docker Engine responds and none can be started from here."""

import sys
from pathlib import Path

import pytest

from rollcall.errors import RollcallError
from rollcall.lab import dockerd, engine, packages


@pytest.fixture(autouse=True)
def no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setattr(engine, "responds", lambda: False)
    monkeypatch.setattr(engine.os, "geteuid", lambda: 0)
    monkeypatch.setattr(sys, "platform", "linux")


def test_the_lab_rejects_a_remote_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://192.0.2.1:2375")
    with pytest.raises(RollcallError, match=r"at DOCKER_HOST=tcp://192.0.2.1:2375; .* unset DOCKER_HOST"):
        engine.ensure()


def test_elsewhere_than_on_linux_docker_desktop_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(RollcallError, match="start Docker Desktop"):
        engine.ensure()


def test_a_user_other_than_root_learns_how_to_start_an_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine.os, "geteuid", lambda: 1000)
    with pytest.raises(RollcallError, match=r"start it .* or run this as root"):
        engine.ensure()


def test_if_nothing_can_be_installed_the_error_names_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine.shutil, "which", lambda *arguments, **keywords: None)
    with pytest.raises(RollcallError, match="has no Docker Engine; install one"):
        engine.ensure()


def test_a_missing_program_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages.shutil, "which", lambda program: None)
    with pytest.raises(RollcallError, match=r"needs the program mmdebstrp; .*apt-get install mmdebstrap"):
        packages.need("mmdebstrp", ["mmdebstrap"])


def test_the_pid_file_of_a_crash_does_not_pass_for_a_running_engine(tmp_path: Path) -> None:
    ours = tmp_path / "dockerd.pid"
    # Process 1 runs, but is not dockerd: the id belongs to another process by now.
    ours.write_text("1")
    assert not dockerd.is_alive(ours)
    assert not dockerd.is_alive(tmp_path / "missing")
