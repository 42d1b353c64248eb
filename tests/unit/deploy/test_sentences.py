"""Inside `pyinfra … deploy.py`: an exception of a step or a callback is one sentence and a non-zero exit code."""

import os
import subprocess
import sys
from pathlib import Path
from unittest.mock import MagicMock

import pytest
from paramiko import SSHException

from rollcall.deploy import callbacks, consul_steps, steps
from rollcall.errors import RollcallError

STEPS = [
    steps.site,
    steps.bring_images,
    steps.converge,
    steps.remove_leftovers,
    steps.wait_for_containers,
    steps.remove_everything,
    consul_steps.converge_servers,
    consul_steps.converge_access,
    consul_steps.converge_clients,
]
HEAD = """
from pyinfra.api import operation
from rollcall.deploy import callbacks, steps, this_run
from rollcall.errors import RollcallError
"""
IN_A_STEP = """
def raises():
    raise {error}
this_run.fleet = raises
steps.site(())
"""
IN_A_CALLBACK = """
def raises(state, host, error):
    raise error
@operation()
def fails():
    yield callbacks.command(raises, {error})
fails(name="Fails")
"""
ERRORS = {
    'RollcallError("hosts need a name")': "hosts need a name",
    'KeyError("AccessorID")': "internal error: KeyError: 'AccessorID'; please report it with the file",
}


@pytest.mark.parametrize(("error", "sentence"), ERRORS.items())
@pytest.mark.parametrize("deploy", [IN_A_STEP, IN_A_CALLBACK])
def test_pyinfra_prints_a_sentence_and_fails(tmp_path: Path, deploy: str, error: str, sentence: str) -> None:
    (tmp_path / "inventory.py").write_text('consul_servers = ["@local"]\n')
    (tmp_path / "deploy.py").write_text(HEAD + deploy.format(error=error))
    command = [sys.executable, "-m", "pyinfra", "inventory.py", "deploy.py", "-y"]
    environment = {**os.environ, "XDG_STATE_HOME": str(tmp_path / "state")}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert sentence in done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert not (tmp_path / "pyinfra-debug.log").exists()


def test_every_step_of_a_deploy_is_guarded() -> None:
    for step in STEPS:
        assert hasattr(step, "__wrapped__"), step


@pytest.mark.parametrize("lost", [OSError("Socket is closed"), EOFError(), SSHException("Timeout opening channel.")])
def test_a_lost_connection_is_reported(lost: Exception) -> None:
    host = MagicMock()
    host.run_shell_command.side_effect = lost
    host.state.config.__iter__ = lambda _: iter(())
    with pytest.raises(RollcallError, match=r"the connection was lost \(.+\); run the same command again"):
        callbacks.run(host, "true")
