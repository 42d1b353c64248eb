"""Secrets that are not those of the running fleet: one sentence, and nothing is touched."""

import json
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from deployed import LAB, PROJECT, Fleet, rollcall
from fleet_snapshot import fleet_snapshot

from rollcall.secrets.identity import IDENTITY
from rollcall.secrets.store import TOKENS, Secrets

FOLDER = PROJECT / ".secrets" / "lab"


def contents() -> dict[Path, bytes]:
    """Return every file of the folder; those of services have one of their own."""
    return {file: file.read_bytes() for file in FOLDER.rglob("*") if file.is_file()}


def whole(fleet: Fleet, secrets: Secrets) -> dict[str, Any]:
    """Give all that a deploy could touch: every file of ours, every container, and what the servers know."""
    files = "find /etc/rollcall -type f -exec sha256sum {} + | sort"
    look = f"{files}; docker ps --all --no-trunc --format '{{{{.ID}}}} {{{{.State}}}}'"
    with ThreadPoolExecutor() as pool:
        hosts = dict(zip(fleet.hosts, pool.map(lambda host: fleet.on(host, look), fleet.hosts), strict=True))
    return {**hosts, **fleet_snapshot(fleet, secrets)}


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A copy in the folder's place; the folder itself comes back whatever a test does to it.

    It waits outside the project: below .secrets/ a deploy would recognise it by its fleet.
    """
    away = tmp_path / "away"
    shutil.move(FOLDER, away)
    shutil.copytree(away, FOLDER)
    yield FOLDER
    shutil.rmtree(FOLDER, ignore_errors=True)
    shutil.move(away, FOLDER)


def older(folder: Path) -> None:
    identity = json.loads((folder / IDENTITY).read_text())
    (folder / IDENTITY).write_text(json.dumps({**identity, "rotations": identity["rotations"] - 1}))


CASES: dict[str, tuple[Callable[[Path], object], str]] = {
    "lost": (shutil.rmtree, f"{FOLDER} is missing; restore it from a backup"),
    "another fleet's": (
        lambda folder: (folder / IDENTITY).write_text('{"fleet": "another", "rotations": 0}\n'),
        "was deployed with other secrets than these (its fleet is ",
    ),
    "older": (older, "restore a later copy of the folder .secrets/"),
    "a file missing": (
        lambda folder: (folder / TOKENS).unlink(),
        f"{FOLDER / TOKENS}: missing, and the running fleet uses it",
    ),
    "open to others": (lambda folder: folder.chmod(0o755), f"run: chmod 700 {FOLDER}"),
    "a file open to others": (
        lambda folder: (folder / TOKENS).chmod(0o640),
        f"run: chmod 600 {FOLDER / TOKENS}",
    ),
    "not to be understood": (
        lambda folder: (folder / IDENTITY).write_text("{}"),
        f"{FOLDER / IDENTITY} is malformed",
    ),
}


# Whatever needs secrets says the same of lost ones; a removal needs none.
COMMANDS = ("deploy", "deploy --dry", "verify", "canary", "maintenance", "drain app1", "ui", "rotate gossip", "consul")


@pytest.fixture(scope="module")
def before(fleet: Fleet, secrets: Secrets) -> dict[str, Any]:
    return whole(fleet, secrets)


@pytest.mark.parametrize("case", CASES)
def test_a_wrong_folder_changes_nothing(
    fleet: Fleet, folder: Path, secrets: Secrets, before: dict[str, Any], case: str
) -> None:
    spoil, sentence = CASES[case]
    spoil(folder)
    left = FOLDER.exists() and contents()
    for command in COMMANDS if case == "lost" else COMMANDS[:2]:
        name, *more = command.split()
        said = rollcall(name, LAB, *more, code=1)
        assert sentence in " ".join(said.split()), said
        assert "Traceback" not in said
    assert (FOLDER.exists() and contents()) == left
    assert whole(fleet, secrets) == before


def test_a_renamed_inventory_is_recognised_by_its_fleet(fleet: Fleet, folder: Path) -> None:
    renamed = PROJECT / "inventories" / "renamed.py"
    renamed.write_text((PROJECT / LAB).read_text())
    try:
        assert "Nothing was changed" in rollcall("deploy", "inventories/renamed.py", "--dry")
        assert "No service has a canary" in rollcall("canary", "inventories/renamed.py")
    finally:
        renamed.unlink()
    assert not folder.with_name("renamed").exists()


def test_with_the_right_folder_again_a_deploy_has_nothing_to_do(fleet: Fleet) -> None:
    assert fleet.deploy().changed == set()
