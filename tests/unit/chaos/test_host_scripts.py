"""What a fault leaves on a host ends it: by the command, by its guard, or by the next run; all in dash."""

import subprocess
import time
from itertools import islice
from pathlib import Path

import pytest
from chaos_world import EVERY, SIX

from rollcall import waiting
from rollcall.chaos import host_scripts, network
from rollcall.chaos.plan import plan


class Host:
    """A host's shell; the directory of faults stands elsewhere."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "rollcall/chaos"
        self.broken = folder / "broken"

    def sh(self, script: str, code: int = 0) -> str:
        text = script.replace(host_scripts.DIRECTORY, str(self.folder))
        done = subprocess.run(["dash", "-c", text], capture_output=True, text=True, check=False, timeout=20)
        assert (done.returncode, done.stderr) == (code, "")
        return done.stdout

    def begin(self, hold: float = 0, undo: str = "") -> None:
        undo = undo or f"rm -f {self.broken}; echo x >>{self.broken}.undone"
        self.sh(host_scripts.begin("break", f"touch {self.broken}", undo, hold))
        assert self.broken.exists()

    @property
    def undone(self) -> int:
        file = self.broken.with_suffix(".undone")
        return len(file.read_text().split()) if file.exists() else 0

    @property
    def guards(self) -> list[str]:
        done = subprocess.run(["pgrep", "-f", f"{self.folder}/break.undo"], capture_output=True, text=True, check=False)
        return done.stdout.split()


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def test_the_command_ends_it_and_nothing_is_left(host: Host) -> None:
    host.begin()
    assert host.guards
    host.sh(host_scripts.end("break"))
    assert (host.broken.exists(), host.folder.exists(), host.undone) == (False, False, 1)
    assert waiting.until(lambda: not host.guards, 5)
    host.sh(host_scripts.end("break"))
    assert host.undone == 1


def test_it_ends_by_itself_when_nobody_does(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host_scripts, "GRACE_SECONDS", 0.3)
    host.begin(hold=0.2)
    began = time.monotonic()
    assert waiting.until(lambda: not host.folder.exists(), 5)
    assert (host.broken.exists(), host.undone) == (False, 1)
    assert time.monotonic() - began > 0.3
    assert not host.guards


def test_the_next_run_ends_what_a_restart_of_the_host_left(host: Host) -> None:
    host.begin()
    for guard in host.guards:
        subprocess.run(["kill", "-9", guard], check=True)
    assert host.sh(host_scripts.HEAL) == "break\n"
    assert (host.broken.exists(), host.folder.exists()) == (False, False)
    assert host.sh(host_scripts.HEAL) == ""


def test_what_cannot_be_undone_is_kept_for_the_guard(host: Host) -> None:
    host.begin(undo="exit 1")
    host.sh(host_scripts.end("break"), code=1)
    assert host.sh(host_scripts.HEAL, code=1) == ""
    assert host.guards
    assert (host.folder / "break.undo").exists()
    subprocess.run(["pkill", "-f", f"{host.folder}/break.undo"], check=True)


def test_a_process_that_has_the_guards_number_by_now_lives_on(host: Host) -> None:
    host.begin()
    subprocess.run(["pkill", "-f", f"{host.folder}/break.undo"], check=True)
    with subprocess.Popen(["sleep", "30"], start_new_session=True) as other:
        (host.folder / "break.guard").write_text(f"{other.pid}\n")
        host.sh(host_scripts.end("break"))
        assert other.poll() is None
        other.kill()


def test_every_script_is_one_that_dash_reads() -> None:
    for one in [own.faults[0] for own in islice(plan(SIX, EVERY, 3, 1024), 60)]:
        for script in (one.begin(SIX), one.end(), one.undo(SIX), host_scripts.HEAL, host_scripts.PROBE):
            done = subprocess.run(["dash", "-n"], input=script, capture_output=True, text=True, check=False)
            assert (done.returncode, done.stderr) == (0, ""), script


def test_a_cut_network_has_a_rule_for_each_way_and_keeps_ssh() -> None:
    script = network.cut(["10.0.0.2"], {22, 2222})
    lines = [line.removesuffix(" &&").removeprefix("iptables -w ") for line in script.splitlines()]
    chain = network.CHAIN
    assert lines[:-1] == [
        f"-N {chain}",
        *(f"-A {chain} -p tcp --{side}port {port} -j RETURN" for port in (22, 2222) for side in "ds"),
        f"-A {chain} -s 10.0.0.2 -j DROP",
        f"-A {chain} -d 10.0.0.2 -j DROP",
    ]
    assert "INPUT OUTPUT FORWARD" in lines[-1]
