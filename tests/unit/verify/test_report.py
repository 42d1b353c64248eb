"""The report of checks: one line each, the next command after a failure, and no traceback."""

import json
import subprocess
import sys
from pathlib import Path

RUN = """
import sys, pytest
from rollcall.verify.report import Verification
plugin = Verification(None, disturb=False)
sys.exit(pytest.main(["-c", "/dev/null", "-p", "no:cacheprovider", "--capture=no", sys.argv[1]], plugins=[plugin]))
"""


def run(tmp_path: Path, checks: str) -> tuple[int, list[str]]:
    file = tmp_path / "test_checks.py"
    file.write_text(
        "from rollcall.errors import RollcallError\nfrom rollcall.verify.check_error import CheckError\n" + checks
    )
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(file)], cwd=tmp_path, check=False, capture_output=True, text=True
    )
    assert done.stderr == ""
    return done.returncode, done.stdout.splitlines()


def test_a_passed_check_prints_its_sentences(tmp_path: Path) -> None:
    code, lines = run(
        tmp_path,
        'def test_agents(passed):\n    """Agents are alive"""\n    passed("every agent is alive: 6 of 6")\n'
        'def test_silent():\n    """The front [a] answers"""\n',
    )
    assert code == 0
    assert lines[:2] == ["✓ every agent is alive: 6 of 6", "✓ The front [a] answers"]
    assert lines[3].startswith("All 2 checks passed in ")
    assert "Nothing was changed" in lines[3]


def test_a_remark_follows_its_check_and_fails_nothing(tmp_path: Path) -> None:
    code, lines = run(
        tmp_path,
        'def test_ids(passed, remark):\n    """Ids are right"""\n'
        '    passed("ids are right")\n    remark("app1: [odd] id")\n',
    )
    assert code == 0
    assert lines[:2] == ["✓ ids are right", "– app1: [odd] id"]
    assert lines[3].startswith("All 1 checks passed in ")


def test_a_failed_check_prints_the_next_command(tmp_path: Path) -> None:
    code, lines = run(
        tmp_path,
        'def test_agents():\n    """Every agent is alive"""\n'
        '    raise CheckError("6 agents", ["app1:ghost:80 [lost]", "app2: left"], "docker logs consul")\n'
        "def test_other():\n    pass\n",
    )
    assert code == 1
    assert lines[:5] == [
        "✗ Every agent is alive",
        "    expected: 6 agents",
        "    found:    app1:ghost:80 [lost]",
        "              app2: left",
        "    next:     docker logs consul",
    ]
    assert lines[7].startswith("1 of 2 checks failed in ")


def test_a_check_that_cannot_run_fails_too(tmp_path: Path) -> None:
    code, lines = run(
        tmp_path,
        'def test_lost():\n    """A host answers"""\n    raise RollcallError("ssh to app1 failed")\n'
        'def test_broken():\n    """A reply is understood"""\n    raise KeyError("Node")\n',
    )
    assert code == 1
    assert lines[:3] == [
        "✗ cannot be checked: A host answers",
        "    ssh to app1 failed",
        "✗ cannot be checked: A reply is understood",
    ]
    assert lines[3] == "    KeyError: 'Node'"
    assert "Traceback" not in "\n".join(lines)


def test_checks_that_fail_to_load_are_reported(tmp_path: Path) -> None:
    code, lines = run(tmp_path, "def test_agents(:\n")
    assert code != 0
    assert lines[0].startswith("✗ ")
    assert "cannot be loaded" in lines[0]


def test_ctrl_c_is_a_failure(tmp_path: Path) -> None:
    code, lines = run(tmp_path, "def test_agents():\n    raise KeyboardInterrupt\n")
    assert code == 2
    assert any(line.startswith("Interrupted after 0 checks") for line in lines)


def test_the_document_has_the_same_facts(tmp_path: Path) -> None:
    (tmp_path / "test_checks.py").write_text(
        "from rollcall.verify.check_error import CheckError\n"
        'def test_a(passed):\n    """A is"""\n    passed("A is 1")\n'
        'def test_b():\n    """B is"""\n    raise CheckError("1 B", ["no B"], "make b")\n'
        'def test_c():\n    """C is"""\n    raise KeyError("c")\n'
    )
    code = RUN.replace("sys.exit(", "(").replace("import sys, pytest", "import sys, pytest, json")
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nprint('@@', json.dumps(plugin.to_json()))", str(tmp_path / "test_checks.py")],
        check=True,
        capture_output=True,
        text=True,
    )
    document = json.loads(done.stdout.partition("@@")[2])
    first, second, third = document["checks"]
    assert document["passed"] is False
    assert first == {"check": "test_a", "title": "A is", "passed": True, "says": ["A is 1"], "remarks": []}
    assert (second["expected"], second["found"], second["next"]) == ("1 B", ["no B"], "make b")
    assert (third["passed"], third["not_checked"]) == (False, "'c'")
