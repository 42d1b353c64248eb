"""The lab's use of its machine: package sources, Go, firewall, SSH keys, processes."""

import io
import sys
import tarfile
import threading
import time
from pathlib import Path

import pytest

from rollcall import command
from rollcall.errors import RollcallError
from rollcall.lab import debian, firewall, go, keys, side_by_side

SOURCES = """\
Docker|Docker CE|stable|https://packages.example/docker/
Debian|Debian-Security|main|http://mirror.example/debian-security/
Debian|Debian|main|http://mirror.example/debian/
"""


def test_the_mirror_is_that_of_the_machines_own_debian() -> None:
    assert debian.own_mirror(SOURCES) == "http://mirror.example/debian/"


def test_the_error_about_a_missing_mirror_names_both_remedies() -> None:
    with pytest.raises(RollcallError, match=r"no Debian mirror .* ROLLCALL_DEBIAN_MIRROR .* IMAGES=hub"):
        debian.own_mirror("Ubuntu|Ubuntu|main|http://mirror.example/ubuntu/\n")


@pytest.mark.parametrize(
    ("line", "enough"),
    [
        ("go version go1.26.4 linux/amd64", True),
        ("go version go1.27 linux/arm64", True),
        ("go version go1.26.3 linux/amd64", False),
        ("go version go1.19.8 linux/amd64", False),
        ("go version devel +a1b2c3", False),
    ],
)
def test_an_old_go_is_not_used(line: str, enough: bool) -> None:
    assert go.is_new_enough(line) is enough


RULES = """\
*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [5:300]
:DOCKER - [0:0]
:DOCKER-USER - [0:0]
:MINE - [0:0]
-A INPUT -j MINE
-A FORWARD -j DOCKER-USER
-A FORWARD -o docker0 -j DOCKER
-A FORWARD -i wg0 -j ACCEPT
-A DOCKER-USER -j RETURN
COMMIT
"""


def test_only_dockers_rules_leave_the_firewall_and_the_old_policy_returns() -> None:
    assert firewall.without_docker(RULES, "ACCEPT").splitlines() == [
        "*filter",
        ":INPUT ACCEPT [0:0]",
        ":FORWARD ACCEPT [5:300]",
        ":MINE - [0:0]",
        "-A INPUT -j MINE",
        "-A FORWARD -i wg0 -j ACCEPT",
        "COMMIT",
    ]


def test_a_policy_that_is_not_known_stays() -> None:
    assert ":FORWARD DROP [5:300]" in firewall.without_docker(RULES, "")


def test_users_rules_in_dockers_user_chain_are_left_alone() -> None:
    mine = RULES.replace("-A DOCKER-USER -j RETURN", "-A DOCKER-USER -s 192.0.2.0/24 -j DROP\n-A DOCKER-USER -j RETURN")
    assert firewall.without_docker(mine, "ACCEPT") == mine


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    directory = tmp_path / "state"
    monkeypatch.setattr(keys, "STATE", directory)
    for name, file in (("USER_KEY", "id_ed25519"), ("HOST_KEY", "host_ed25519"), ("KNOWN_HOSTS", "known_hosts")):
        monkeypatch.setattr(keys, name, directory / file)
    return directory


def test_the_labs_keys_are_private_and_created_once(state: Path) -> None:
    keys.ensure()
    first = {path.name: path.read_bytes() for path in state.iterdir()}
    keys.ensure()
    assert {path.name: path.read_bytes() for path in state.iterdir()} == first
    assert state.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in (keys.USER_KEY, keys.HOST_KEY)} == {0o600}


def test_every_host_is_known_by_its_port(state: Path) -> None:
    keys.ensure()
    lines = keys.KNOWN_HOSTS.read_text().splitlines()
    assert [line.split()[0] for line in lines] == [
        f"[127.0.0.1]:{port}" for port in (22011, 22012, 22013, 22021, 22022, 22031)
    ]
    assert {line.split()[1] for line in lines} == {"ssh-ed25519"}


def test_a_host_gets_its_keys_with_their_owners(state: Path) -> None:
    keys.ensure()
    with tarfile.open(fileobj=io.BytesIO(keys.archive(keys.USER_KEY, keys.HOST_KEY))) as archive:
        found = {entry.name: (entry.mode, entry.uid) for entry in archive}
    assert found == {
        "root/.ssh/authorized_keys": (0o600, 0),
        "home/admin/.ssh/authorized_keys": (0o600, keys.ADMIN),
        "etc/ssh/ssh_host_ed25519_key": (0o600, 0),
        "etc/ssh/ssh_host_ed25519_key.pub": (0o644, 0),
    }


def test_after_the_lab_is_gone_so_are_its_keys(state: Path) -> None:
    keys.ensure()
    keys.remove()
    assert not list(state.iterdir())
    assert not keys.exist()


def test_a_failed_program_is_one_sentence_with_its_last_line() -> None:
    with pytest.raises(RollcallError, match=r"^Cannot do it: no space left$"):
        command.run(["sh", "-c", "echo first >&2; echo no space left >&2; exit 3"], doing="do it")


def test_a_missing_program_is_named() -> None:
    with pytest.raises(RollcallError, match="The program nonesuch is missing on this machine"):
        command.run(["nonesuch"], doing="do it")


def test_the_first_failure_ends_what_runs_beside_it() -> None:
    started = threading.Event()

    def slow() -> str:
        started.set()
        return command.run(["sleep", "60"], doing="sleep")

    def failing() -> str:
        started.wait(10)
        raise RollcallError("no disk")

    began = time.monotonic()
    with pytest.raises(RollcallError, match="no disk"):
        side_by_side.run([slow, failing])
    assert time.monotonic() - began < 10
    assert command.run([sys.executable, "-c", "print('on')"], doing="go on").strip() == "on"


def test_results_come_in_the_order_of_the_tasks() -> None:
    assert side_by_side.run([lambda: time.sleep(0.05) or 1, lambda: 2]) == [1, 2]
