"""Commands about hosts that are ended after each of their steps, by kill -9: repeated, they end right."""

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from deployed import BACKENDS, LAB, Fleet, answering, healthy, rollcall, wait_for
from keep_alive_load import Load
from killing import HELD, ended_at_every_step
from lab_servers import without_app2

FRONT_PORT = 8080
# An agent that leaves, as the killed command told it to, responds to nobody for a moment.
AWAY = f"{HELD}|not respond|ssh to|not reachable|cannot go down"
Killed = Callable[..., None]


@pytest.fixture
def killed(says: Callable[[str], None]) -> Killed:
    """End a command at each of its steps, of which there are at least so many, while no request may fail."""

    def run(*arguments: str, least: int) -> None:
        load = Load(FRONT_PORT)
        with load.running():
            steps = ended_at_every_step(*arguments, by=signal.SIGKILL, refusal=AWAY)
        says(f"{arguments[0]} killed at each of {len(steps)} steps, {load.requests} requests: {'; '.join(steps)}")
        assert load.broken == {}
        assert len(steps) >= least

    return run


@pytest.fixture
def whole(fleet: Fleet) -> Iterator[None]:
    """The lab as it was."""
    yield
    rollcall("deploy", "--yes", LAB)
    wait_for("three healthy servers", lambda: healthy(fleet))
    wait_for("answer of every backend", lambda: answering() == BACKENDS)
    assert "✗" not in rollcall("verify", LAB)


@pytest.fixture
def rest(tmp_path: Path) -> str:
    return without_app2(tmp_path)


@pytest.fixture
def file(tmp_path: Path) -> tuple[str, ...]:
    """The arguments of a backup of the lab."""
    (tmp_path / "passphrase").touch(0o600)
    (tmp_path / "passphrase").write_text("open sesame")
    return (str(tmp_path / "lab.age"), "--passphrase-file", str(tmp_path / "passphrase"))


@pytest.mark.usefixtures("whole")
def test_a_host_leaves(fleet: Fleet, killed: Killed, rest: str) -> None:
    killed("remove", LAB, "--host", "app2", "--yes", least=9)
    assert fleet.on("app2", "docker ps -aq; docker volume ls -q; ls /etc/rollcall 2>/dev/null", check=False) == ""
    assert "app2" not in rollcall("consul", LAB, "--management", "--", "acl", "policy", "list")
    assert "✗" not in rollcall("verify", rest)
    assert "nothing had to change" in rollcall("deploy", rest)


@pytest.mark.usefixtures("whole")
def test_a_fleet_gets_its_state_back(killed: Killed, file: tuple[str, ...]) -> None:
    rollcall("consul", LAB, "--", "kv", "put", "shop/greeting", "hello")
    killed("backup", LAB, *file, least=4)
    assert [one.name for one in Path(file[0]).parent.iterdir() if "partial" in one.name] == []
    rollcall("consul", LAB, "--", "kv", "delete", "shop/greeting")
    killed("restore", LAB, *file, "--yes", least=6)
    assert "hello" in rollcall("consul", LAB, "--", "kv", "get", "shop/greeting")
    rollcall("consul", LAB, "--", "kv", "delete", "shop/greeting")


@pytest.mark.usefixtures("whole")
def test_a_lost_quorum_is_recovered(fleet: Fleet, killed: Killed) -> None:
    rollcall("consul", LAB, "--", "kv", "put", "shop/greeting", "hello")
    for host in ("consul2", "consul3"):
        fleet.on(host, "docker rm --force consul && docker volume rm consul-data")
    wait_for("no leader", lambda: fleet.consul("/v1/status/leader", "consul1") in (None, ""), 60)
    killed("recover", LAB, "--yes", least=4)
    rollcall("deploy", LAB)
    assert "hello" in rollcall("consul", LAB, "--", "kv", "get", "shop/greeting")
    rollcall("consul", LAB, "--", "kv", "delete", "shop/greeting")
