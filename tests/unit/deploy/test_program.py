"""An inventory read in the deploy's own process equals the one that pyinfra reads; its faults are sentences."""

import subprocess
import sys
from pathlib import Path

import pytest

from rollcall.config import inventory
from rollcall.config.project import CHECKOUT
from rollcall.deploy import program
from rollcall.errors import RollcallError


@pytest.mark.parametrize("name", ["lab", "single", "production.example"])
def test_both_ways_of_reading_an_inventory_agree(name: str) -> None:
    file = str(CHECKOUT / "inventories" / f"{name}.py")
    here = inventory.read(file, reader=program.read)
    assert here == inventory.read(file)
    assert [host.data for host in here.hosts] == [host.data for host in inventory.read(file).hosts]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "deploy.py").touch()
    (tmp_path / "group_data").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("\nconsul_servers = [] + 1", "inventory.py, line 2, raised TypeError"),
        ("import no_such_module", "inventory.py, line 1, raised ModuleNotFoundError"),
        ("import sys; sys.exit(3)", "cannot read the inventory .*: SystemExit: 3"),
        ("consul_servers = ['@nowhere']", "inventory.py: Invalid connector: nowhere"),
        ("consul_servers = [('a', {'key': object()})]", "got a value that holds a object|keys must be"),
        ("consul_servers = [('a', {('b',): 1})]", "cannot read the inventory"),
        ("consul_servers = [('a', 'b')]", "cannot read the inventory"),
    ],
)
def test_a_fault_in_its_python_is_a_sentence(project: Path, text: str, said: str) -> None:
    (project / "inventory.py").write_text(text)
    with pytest.raises(RollcallError, match=said) as problem:
        inventory.read(str(project / "inventory.py"), reader=program.read)
    assert len(str(problem.value).splitlines()) == 1


def test_a_fault_in_group_data_is_its_own(project: Path) -> None:
    (project / "inventory.py").write_text("consul_servers = ['a.example.net']")
    (project / "group_data" / "all.py").write_text("x = 1\ny = 1 / 0\n")
    with pytest.raises(RollcallError, match=r"group_data/all.py, line 2, raised ZeroDivisionError"):
        inventory.read(str(project / "inventory.py"), reader=program.read)


def test_an_inventorys_own_output_is_ignored(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "inventory.py").write_text("print('hello')\nconsul_servers = ['a.example.net']")
    assert inventory.read(str(project / "inventory.py"), reader=program.read).hosts
    assert capsys.readouterr().out == ""


def test_reading_an_inventory_times_out(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "READ_TIMEOUT_SECONDS", 1)
    (project / "inventory.py").write_text("import time\nwhile True: time.sleep(0.01)")
    with pytest.raises(RollcallError, match=r"did not finish reading .* in 1 seconds"):
        inventory.read(str(project / "inventory.py"), reader=program.read)


@pytest.mark.parametrize(
    ("deploy", "said"),
    [
        ("1 / 0", "deploy.py:1: raised ZeroDivisionError: division by zero"),
        ("import rollcall.deploy.site as s; s.Site.resources.fget(None)", "internal error: AttributeError"),
        ("from pyinfra.api.exceptions import PyinfraError; raise PyinfraError('a: got 1')", "rollcall: a: got 1"),
    ],
)
def test_a_fault_in_a_deploy_is_a_sentence(project: Path, deploy: str, said: str) -> None:
    (project / "inventory.py").write_text("consul_servers = ['@local']")
    (project / "deploy.py").write_text(deploy)
    code = (
        "from rollcall.deploy import program; program.begin()\n"
        "from rollcall.cli.failures import as_sentences; from rollcall.config import inventory\n"
        "with as_sentences(): program.run(inventory.read('inventory.py', reader=program.read), 'deploy.py', ['-y'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=project,
        env={"XDG_STATE_HOME": str(project), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not (project / "pyinfra-debug.log").exists()


def ended(code: str) -> tuple[int, str]:
    """Run this Python after `begin`; give its exit code and what it printed to stderr."""
    begun = f"from rollcall.deploy import program; program.begin()\n{code}"
    done = subprocess.run([sys.executable, "-c", begun], capture_output=True, text=True, check=False, timeout=50)
    return done.returncode, done.stderr


def test_ctrl_c_ends_it_whichever_greenlet_runs() -> None:
    """An SSH connection is a thread, and SystemExit ends a thread silently."""
    code = (
        "import os, signal, threading, time\n"
        "def connection():\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "    for _ in range(1000): pass\n"
        "threading.Thread(target=connection).start()\n"
        "time.sleep(60)\n"
    )
    assert ended(code) == (130, "")


def test_ctrl_c_in_a_finalizer_is_not_lost() -> None:
    """Python ignores what is raised there, as in the lock of logging while pyinfra starts."""
    code = (
        "import os, signal, time\n"
        "class Finalized:\n"
        "    def __del__(self):\n"
        "        os.kill(os.getpid(), signal.SIGINT)\n"
        "        for _ in range(1000): pass\n"
        "Finalized()\n"
        "time.sleep(60)\n"
    )
    assert ended(code) == (130, "")


def test_a_second_ctrl_c_ends_what_never_waits() -> None:
    code = (
        "import os, signal\n"
        "os.kill(os.getpid(), signal.SIGINT)\n"
        "os.kill(os.getpid(), signal.SIGINT)\n"
        "while True: pass\n"
    )
    assert ended(code) == (130, "")
