"""The text of no secret is anywhere but in its own closed file: not on a host, not on this machine, not in git."""

import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from deployed import LAB, PROJECT, Fleet, rollcall
from process_watch import Watch
from secret_locations import KERNEL_LOG, LOOKS, files_with, look, marked
from secret_spellings import SecretSpellings, secret_spellings

from rollcall.lab.layout import STATE

# What containers keep: Consul its keyring, and the tokens in its log; the front the key it serves with.
VOLUMES = tuple(f"/var/lib/docker/volumes/{volume}/_data/" for volume in ("consul-data", "front-state"))
FOLDER = PROJECT / ".secrets" / "lab"


@pytest.fixture(scope="module")
def secret(fleet: Fleet) -> SecretSpellings:
    return secret_spellings(fleet.secrets(), FOLDER, fleet.hosts)


@pytest.fixture(scope="module", autouse=True)
def began() -> float:
    """When the deploys of this file began: what is newer may be theirs."""
    return time.time()


@pytest.fixture
def mark() -> str:
    return f"mark-{uuid.uuid4()}"


def test_no_place_of_a_host_shows_a_secret(fleet: Fleet, secret: SecretSpellings, mark: str) -> None:
    with marked(fleet, "app1", mark), ThreadPoolExecutor() as pool:
        seen = dict(zip(fleet.hosts, pool.map(lambda host: look(fleet, host), fleet.hosts), strict=True))
    assert {place for place, text in seen["app1"].items() if mark in text} == set(LOOKS) - {KERNEL_LOG}
    assert len(seen["app1"][KERNEL_LOG]) > 1000
    assert {host: text.keys() for host, text in seen.items()} == dict.fromkeys(fleet.hosts, LOOKS.keys())
    leaks = {(host, place): secret.found_in(text) for host, places in seen.items() for place, text in places.items()}
    assert {where: names for where, names in leaks.items() if names} == {}


def test_files_with_a_secret_are_closed_to_all_but_their_reader(
    fleet: Fleet, secret: SecretSpellings, mark: str
) -> None:
    with marked(fleet, "app1", mark):
        assert f"/tmp/{mark}" in files_with(fleet, "app1", f"{mark}\n")
    with ThreadPoolExecutor() as pool:
        every = pool.map(lambda host: files_with(fleet, host, secret.lines), fleet.hosts)
        found = dict(zip(fleet.hosts, every, strict=True))
    for host, files in found.items():
        ours = {file for file in files if file.startswith("/etc/rollcall/")}
        assert "/etc/rollcall/consul/tls/agent.key" in ours, host
        assert {file for file in files - ours if not file.startswith(VOLUMES)} == set(), host
        assert set(fleet.on(host, f"stat --format=%a {' '.join(ours)}").split()) <= {"600", "400"}, host
        folders = {str(Path(file).parent) for file in ours}
        assert set(fleet.on(host, f"stat --format=%a {' '.join(folders)}").split()) == {"700"}, host
        for_each = f"for one in {' '.join(files)}; do test -r $one && echo $one; done"
        nobody = "setpriv --reuid=65534 --regid=65534 --clear-groups sh -c"
        assert len(fleet.on(host, f"sh -c '{for_each}'", check=False).split()) == len(files), host
        assert fleet.on(host, f"{nobody} '{for_each}'", check=False) == "", host


def change_every_secret(fleet: Fleet) -> None:
    """Edit every closed file of some hosts by hand, and remove a token: a deploy has all of them to write again."""
    for host in ("consul1", "app1", "front1"):
        fleet.on(host, "find /etc/rollcall -type f -perm 0600 -exec sh -c 'for one; do echo >>$one; done' - {} +")
    secrets = fleet.secrets()
    header = f"X-Consul-Token: {secrets.tokens.secret('management')}\n"
    url = f"http://127.0.0.1:8500/v1/acl/token/{secrets.tokens.accessor('operator')}"
    fleet.on("consul1", f"curl --silent --fail --request DELETE --header @- {url}", stdin=header)


# How much a person may ask for.
PYINFRA = ("pyinfra", LAB, "deploy.py")
WRITING = {
    "plain": (*PYINFRA, "-y"),
    "-v": (*PYINFRA, "-y", "-v"),
    "-vv": (*PYINFRA, "-y", "-vv"),
    "-vvv --debug --diff": (*PYINFRA, "-y", "-vvv", "--debug", "--diff"),
    "--json": (*PYINFRA, "-y", "--json"),
    "rollcall -vvv": ("rollcall", "deploy", "-vvv", LAB),
}
DRY = {
    "dry": (*PYINFRA, "--dry", "--diff", "-vvv", "--debug"),
    "dry --json": (*PYINFRA, "--dry", "--json"),
    "rollcall, dry": ("rollcall", "deploy", "--dry", LAB),
}


def say(program: str, *arguments: str) -> str:
    command = [str(Path(sys.executable).with_name(program)), *arguments]
    done = subprocess.run(
        command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def names_changes(said: str) -> bool:
    return all(f"consul/{file}" in said for file in ("tls/agent.key", "30-tokens.json", "20-gossip.json"))


@pytest.mark.parametrize("case", WRITING)
def test_a_deploy_that_writes_every_secret_prints_none(fleet: Fleet, secret: SecretSpellings, case: str) -> None:
    change_every_secret(fleet)
    said = say(*WRITING[case])
    assert names_changes(said)
    assert secret.found_in(said) == set()


def test_no_dry_run_prints_a_secret_and_no_process_has_one(fleet: Fleet, secret: SecretSpellings, mark: str) -> None:
    change_every_secret(fleet)
    with Watch() as watch:
        said = {case: say(*command) for case, command in DRY.items()}
        rollcall("deploy", LAB)
        # On a host, and no longer there than what a deploy runs.
        fleet.on("app2", f"MARK={mark}-environment bash -c 'sleep 0.05; true' {mark}-argument")
    assert [case for case, text in said.items() if not names_changes(text)] == []
    assert {case: found for case, text in said.items() if (found := secret.found_in(text))} == {}
    assert f"{mark}-environment" in watch.text
    assert f"{mark}-argument" in watch.text
    assert secret.found_in(watch.text) == set()


def test_commands_that_only_look_print_none(fleet: Fleet, secret: SecretSpellings) -> None:
    said = [
        say("rollcall", "render", LAB),
        say("rollcall", "verify", LAB),
        say("pyinfra", LAB, "debug-inventory"),
        say("pyinfra", LAB, "debug-inventory", "--json"),
        say("rollcall", "lab", "status"),
    ]
    assert min(map(len, said)) > 100
    assert secret.found_in("\n".join(said)) == set()


def test_git_has_no_secret_and_does_not_take_the_folder(secret: SecretSpellings) -> None:
    everything = subprocess.run(
        ["git", "cat-file", "--batch-all-objects", "--batch", "--unordered"],
        cwd=PROJECT,
        capture_output=True,
        check=True,
    ).stdout.decode(errors="replace")
    assert "Containers answer" in everything
    assert secret.found_in(everything) == set()
    ignored = subprocess.run(["git", "check-ignore", str(FOLDER)], cwd=PROJECT, capture_output=True, check=False)
    assert ignored.returncode == 0


def test_this_machine_keeps_secrets_in_their_folder_only(secret: SecretSpellings, began: float, mark: str) -> None:
    temporary = Path(tempfile.gettempdir())
    marked_file = temporary / mark
    marked_file.write_text(mark)
    try:
        newer = ["find", temporary, "-type", "f", "-newermt", f"@{began}", "-print0"]
        new = subprocess.run(newer, capture_output=True, text=True, check=False).stdout.split("\0")
        found = _files_with(f"{secret.lines}{mark}\n", [PROJECT, STATE, *Path.home().glob(".*history"), *new])
    finally:
        marked_file.unlink()
    inside = {file for file in found if FOLDER in file.parents}
    assert FOLDER / "tokens.key" in inside
    assert {oct(one.stat().st_mode & 0o777) for one in (FOLDER, *inside)} == {"0o700", "0o600"}
    assert found - inside == {marked_file}


def _files_with(lines: str, where: Sequence[Path | str]) -> set[Path]:
    files = [str(one) for one in where if str(one)]
    command = ["grep", "-rlsFf", "-", "--exclude-dir=.venv", "--exclude-dir=.git", *files]
    done = subprocess.run(command, input=lines, capture_output=True, text=True, check=False)
    return {Path(line) for line in done.stdout.splitlines()}
