"""Commands about hosts that are ended after each of their steps, by kill -9 or Ctrl-C: repeated, they end right."""

import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from deployed import BACKENDS, LAB, Fleet, answering, healthy, rollcall, wait_for
from keep_alive_load import Load
from killing import BEGINNINGS, CHANGES, HELD, OPERATION, PHASES, ended_at, ended_at_every_step, finish
from lab_servers import FORMER, ONE, die, inventory, servers, start, without_app2
from secrets_in_use import keys

FRONT_PORT = 8080
# An agent that leaves, as the killed command told it to, responds to nobody for a moment.
AWAY = f"{HELD}|not respond|ssh to|not reachable|cannot go down"
Ended = Callable[..., dict[str, str]]
BY = pytest.mark.parametrize("by", [signal.SIGKILL, signal.SIGINT], ids=["kill", "ctrl-c"])


@pytest.fixture
def ended(says: Callable[[str], None]) -> Ended:
    """End a command at each of its steps, of which there are at least so many, while no request may fail."""

    def run(
        *arguments: str, least: int, by: signal.Signals = signal.SIGKILL, beginnings: tuple[str, ...] = BEGINNINGS
    ) -> dict[str, str]:
        load = Load(FRONT_PORT, pause=0.05)
        with load.running():
            steps = ended_at_every_step(*arguments, by=by, refusal=AWAY, beginnings=beginnings)
        says(f"{arguments[0]}: {by.name} at each of {len(steps)} steps, {load.requests} requests: {'; '.join(steps)}")
        assert load.broken == {}
        assert len(steps) >= least
        return steps

    return run


def assert_the_way_back_is_named(steps: dict[str, str], back: str) -> None:
    """Each Ctrl-C but the last, after which nothing is left to do, ended in a sentence with this at its end."""
    *half_done, last = steps.values()
    assert [sentence for sentence in half_done if not sentence.endswith(back)] == []
    assert "Traceback" not in last


@pytest.fixture
def whole(fleet: Fleet) -> Iterator[None]:
    """The lab as it was."""
    yield
    start(fleet, "app2")
    rollcall("deploy", "--yes", LAB)
    # A killed command leaves it as it is.
    rollcall("undrain", LAB, "app2")
    wait_for("three healthy servers", lambda: healthy(fleet))
    wait_for("answer of every backend", lambda: answering() == BACKENDS, 120)
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


@BY
@pytest.mark.usefixtures("whole")
def test_a_host_leaves(fleet: Fleet, ended: Ended, rest: str, by: signal.Signals) -> None:
    steps = ended("remove", LAB, "--host", "app2", "--yes", by=by, least=9)
    if by == signal.SIGINT:
        assert_the_way_back_is_named(steps, f"put app2 back into service: rollcall undrain {LAB} app2")
    assert fleet.on("app2", "docker ps -aq; docker volume ls -q; ls /etc/rollcall 2>/dev/null", check=False) == ""
    assert "app2" not in rollcall("consul", LAB, "--management", "--", "acl", "policy", "list")
    assert "✗" not in rollcall("verify", rest)
    assert "nothing had to change" in rollcall("deploy", rest)


@pytest.mark.usefixtures("whole")
@pytest.mark.parametrize(
    "step",
    [
        "… Waiting for the last connection",
        "… app2 leaves",
        "✓ app2 leaves",
        "Starting operation: Everything",
        "✓ The cluster",
    ],
)
def test_a_host_stays_after_all_by_the_commands_that_ctrl_c_names(step: str) -> None:
    run = ended_at(lambda line: step in line, "remove", LAB, "--host", "app2", "--yes", by=signal.SIGINT)
    commands = re.findall(r"rollcall ((?:deploy|undrain) [^;]+)", run.sentence)
    assert commands, run.sentence
    for command in commands:
        rollcall(*command.split())
    wait_for("answer of every backend", lambda: answering() == BACKENDS, 120)
    assert "drained, so" not in rollcall("verify", LAB)


@BY
@pytest.mark.usefixtures("whole")
def test_hosts_restart(fleet: Fleet, ended: Ended, by: signal.Signals) -> None:
    hosts = ("consul1",) if by == signal.SIGKILL else ("app1",)
    started = {host: fleet.on(host, "awk '{print $22}' /proc/1/stat") for host in hosts}
    steps = ended("reboot", LAB, *hosts, "--yes", by=by, least=6 * len(hosts))
    if by == signal.SIGINT:
        assert_the_way_back_is_named(steps, f", or put app1 back into service: rollcall undrain {LAB} app1")
    assert all(fleet.on(host, "awk '{print $22}' /proc/1/stat") != before for host, before in started.items())
    assert "drained, so" not in rollcall("verify", LAB)


@pytest.mark.usefixtures("whole")
def test_a_dead_host_is_forgotten(fleet: Fleet, ended: Ended, rest: str) -> None:
    die(fleet, "app2")
    ended("forget", LAB, "app2", "--yes", least=4)
    assert "nothing was left" in rollcall("forget", LAB, "app2", "--yes")
    assert "✗" not in rollcall("verify", rest)


@pytest.mark.usefixtures("whole")
def test_two_of_three_servers_become_clients(fleet: Fleet, ended: Ended, tmp_path: Path) -> None:
    one = inventory(tmp_path, f"{ONE}\n{FORMER}")
    ended("deploy", "--yes", one, beginnings=CHANGES, least=9)
    assert servers(fleet) == {"consul1"}
    assert "✗" not in rollcall("verify", one)
    assert "nothing had to change" in rollcall("deploy", one)


@pytest.mark.usefixtures("whole")
def test_a_fleet_gets_its_state_back(ended: Ended, file: tuple[str, ...]) -> None:
    rollcall("consul", LAB, "--", "kv", "put", "shop/greeting", "hello")
    ended("backup", LAB, *file, least=4)
    assert [one.name for one in Path(file[0]).parent.iterdir() if "partial" in one.name] == []
    rollcall("consul", LAB, "--", "kv", "delete", "shop/greeting")
    ended("restore", LAB, *file, "--yes", least=6)
    assert "hello" in rollcall("consul", LAB, "--", "kv", "get", "shop/greeting")
    rollcall("consul", LAB, "--", "kv", "delete", "shop/greeting")


@pytest.mark.usefixtures("whole")
def test_empty_hosts_get_a_fleet_back_though_its_deploy_was_killed(file: tuple[str, ...]) -> None:
    rollcall("consul", LAB, "--", "kv", "put", "shop/greeting", "hello")
    rollcall("backup", LAB, *file)
    rollcall("remove", LAB, "--yes")
    # There is a leader by now, and no agent on the other hosts.
    run = ended_at(lambda line: "Starting operation: Consul's ACLs" in line, "restore", LAB, *file, "--yes")
    assert run.outcome == "ended"
    finish("restore", LAB, *file, "--yes")
    wait_for("answer of every backend", lambda: answering() == BACKENDS, 120)
    assert "hello" in rollcall("consul", LAB, "--", "kv", "get", "shop/greeting")
    rollcall("consul", LAB, "--", "kv", "delete", "shop/greeting")


@pytest.mark.usefixtures("whole")
def test_a_lost_quorum_is_recovered(fleet: Fleet, ended: Ended) -> None:
    rollcall("consul", LAB, "--", "kv", "put", "shop/greeting", "hello")
    for host in ("consul2", "consul3"):
        fleet.on(host, "docker rm --force consul && docker volume rm consul-data")
    wait_for("no leader", lambda: fleet.consul("/v1/status/leader", "consul1") in (None, ""), 60)
    ended("recover", LAB, "--yes", least=4)
    rollcall("deploy", LAB)
    assert "hello" in rollcall("consul", LAB, "--", "kv", "get", "shop/greeting")
    rollcall("consul", LAB, "--", "kv", "delete", "shop/greeting")


@pytest.mark.usefixtures("whole")
def test_the_gossip_key_is_rotated(fleet: Fleet, ended: Ended) -> None:
    old = fleet.secrets().gossip_key
    ended("rotate", LAB, "gossip", beginnings=(*PHASES, OPERATION), least=6)
    assert fleet.secrets().unfinished == ()
    assert keys(fleet) == {fleet.secrets().gossip_key} != {old}
    assert "nothing had to change" in rollcall("deploy", LAB)
