"""Whatever goes wrong in a command is one sentence and a truthful exit code; a traceback is in a file at most."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

BROKEN = """
import click, sys
from rollcall import __main__
from rollcall.cli import main as commands
from rollcall.errors import RollcallError

@click.command()
@click.argument("what")
def broken(what):
    {body}

commands.main.get_command = lambda _ctx, _name: broken
sys.argv = ["rollcall", "status", "x"]
__main__.main()
"""
ONE_LINE = "rollcall: "


def run(body: str, *, shell: str = "", env: dict[str, str] | None = None, cwd: Path | None = None) -> tuple[int, str]:
    """Run a command of which only the body is given; give its exit code and stderr."""
    argv = [sys.executable, "-c", BROKEN.format(body=body)]
    if shell:
        argv = ["bash", "-c", f'"$@" {shell}', "bash", *argv]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, env={**os.environ, **(env or {})}, cwd=cwd)
    return done.returncode, done.stderr


def test_a_users_error_is_its_own_sentence() -> None:
    assert run("raise RollcallError('a: got 1; expected [2]')") == (1, "rollcall: a: got 1; expected [2]\n")


def test_an_internal_error_is_one_sentence_with_its_traceback_in_a_file(tmp_path: Path) -> None:
    code, said = run("{}['key'[:3] + '-of-bug']", env={"XDG_STATE_HOME": str(tmp_path)})
    [file] = (tmp_path / "rollcall").iterdir()
    assert (code, said) == (
        1,
        f"rollcall: internal error: KeyError: 'key-of-bug'; please report it with the file {file}\n",
    )
    assert file.stat().st_mode & 0o777 == 0o600
    text = file.read_text()
    assert "Traceback (most recent call last)" in text
    assert "rollcall 0." in text.splitlines()[0]


@pytest.mark.parametrize("state", ["/dev/null/no", "/proc"])
def test_without_a_state_directory_the_file_is_a_temporary_one(tmp_path: Path, state: str) -> None:
    code, said = run("1 / 0", env={"XDG_STATE_HOME": state, "TMPDIR": str(tmp_path)})
    [file] = tmp_path.iterdir()
    assert code == 1
    assert str(file) in said
    assert "Traceback" not in said


def test_a_closed_pipe_is_not_an_error() -> None:
    assert run("print('line\\n' * 100000)", shell="| head -1 >/dev/null; exit ${PIPESTATUS[0]}") == (141, "")


def test_a_full_disk_is_one_sentence() -> None:
    code, said = run("print('line')", shell=">/dev/full")
    assert (code, said) == (1, "rollcall: cannot write to standard output: no space left on device\n")


def test_without_output_the_exit_code_is_right() -> None:
    assert run("raise RollcallError('a')", shell=">/dev/full 2>/dev/full")[0] == 1


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", ">&- 2>&- <&-"])
def test_closed_streams_are_not_replaced_by_files(tmp_path: Path, closed: str) -> None:
    body = f"f = open({str(tmp_path / 'file')!r}, 'w'); print('out'); print('err', file=sys.stderr); f.write('f')"
    assert run(body, shell=closed)[0] == 0
    assert (tmp_path / "file").read_text() == "f"


def test_a_deleted_current_folder_is_one_sentence(tmp_path: Path) -> None:
    body = f"import os; os.rmdir({str(tmp_path / 'gone')!r}); from pathlib import Path; Path('x').resolve()"
    (tmp_path / "gone").mkdir()
    code, said = run(body, cwd=tmp_path / "gone")
    assert (code, said) == (1, "rollcall: the current folder no longer exists; change to another one\n")


def test_a_limited_locale_loses_only_its_missing_characters() -> None:
    code, said = run(
        "print('\\u2713'); raise RollcallError('gr\\xf6\\xdfer')",
        env={"PYTHONUTF8": "0", "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0"},
    )
    assert (code, said) == (1, "rollcall: gr??er\n")


def test_ctrl_c_is_one_sentence() -> None:
    code, said = run("import os, signal; os.kill(os.getpid(), signal.SIGINT); import time; time.sleep(9)")
    assert (code, said) == (130, "rollcall: interrupted; run the same command again to finish\n")


def test_ctrl_c_before_pyinfra_starts_is_the_same_sentence() -> None:
    body = "from rollcall.deploy import program; program.begin(); import os, signal, time; "
    code, said = run(f"{body}os.kill(os.getpid(), signal.SIGINT); time.sleep(9)")
    assert (code, said) == (130, "rollcall: interrupted; run the same command again to finish\n")


@pytest.mark.parametrize("start", ["", "from rollcall.deploy import program; program.begin()"])
def test_ctrl_c_after_the_last_thing_is_done_changes_nothing(start: str) -> None:
    press = "os.kill(os.getpid(), signal.SIGINT)"
    later = f"threading.Thread(target=lambda: (time.sleep(0.5), {press}, time.sleep(60))).start()"
    began = time.monotonic()
    assert run(f"{start}\n    import os, signal, threading, time; {later}") == (0, "")
    assert time.monotonic() - began < 20


def test_ctrl_c_that_nothing_of_a_deploy_waits_for_changes_nothing() -> None:
    body = (
        "from rollcall.deploy import program; program.begin(); import os, signal; os.kill(os.getpid(), signal.SIGINT)"
    )
    assert run(body) == (0, "")


HALF_DONE = "from rollcall.cli.failures import way_back\n    with way_back('put app1 back: rollcall undrain x app1'): "


@pytest.mark.parametrize("start", ["", "from rollcall.deploy import program; program.begin()"])
def test_ctrl_c_while_something_is_half_done_names_the_way_back(start: str) -> None:
    code, said = run(
        f"{start}\n    {HALF_DONE}import os, signal, time; os.kill(os.getpid(), signal.SIGINT); time.sleep(9)"
    )
    expected = "interrupted; run the same command again to finish, or put app1 back: rollcall undrain x app1"
    assert (code, said) == (130, f"rollcall: {expected}\n")


def test_a_failure_while_something_is_half_done_names_the_way_back() -> None:
    said = run(f"{HALF_DONE}raise RollcallError('it does not come back')")
    assert said == (1, "rollcall: it does not come back; to put app1 back: rollcall undrain x app1\n")


def test_ctrl_c_does_not_wait_for_blocked_threads() -> None:
    body = (
        "import os, signal, time, threading; threading.Thread(target=time.sleep, args=(60,)).start(); "
        "os.kill(os.getpid(), signal.SIGINT); time.sleep(60)"
    )
    started = time.monotonic()
    assert run(body)[0] == 130
    assert time.monotonic() - started < 20


def test_ctrl_c_during_imports_shows_no_traceback() -> None:
    """From the first line of ours on; before it Python itself starts."""
    starts = [sys.executable, "-c", "print(flush=True); from rollcall.__main__ import main; main()", "status", "no.py"]
    for milliseconds in range(0, 400, 50):
        with subprocess.Popen(starts, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(milliseconds / 1000)  # the moment is what is tried
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=30)
        # Before `main` is called, it is Python's own.
        ours = said.startswith("rollcall: ") and len(said.splitlines()) == 1
        assert ours or ", in main\n" not in said, said
