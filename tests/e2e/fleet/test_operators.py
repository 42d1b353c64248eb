"""What an operator does by hand: consul's own command line, and its UI, with a token that nobody sees."""

import json
import re
import shutil
import signal
import stat
import subprocess
import sys
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest
from deployed import LAB, PROJECT, Fleet, rollcall, wait_for

COMMAND = [sys.executable, "-c", "from rollcall.cli.main import main; main()"]


def consul(*arguments: str, stdin: str = "", options: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    command = [*COMMAND, "consul", *options, LAB, "--", *arguments]
    return subprocess.run(command, cwd=PROJECT, input=stdin, capture_output=True, text=True, check=False)


@contextmanager
def running(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run a command that does not end by itself."""
    with subprocess.Popen(
        [*COMMAND, *arguments], cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def test_the_consul_command_is_consuls_own(fleet: Fleet) -> None:
    members = consul("members")
    assert members.returncode == 0
    assert {line.split()[0] for line in members.stdout.splitlines()[1:]} == set(fleet.hosts)
    assert consul("members", options=("--limit", "app1")).stdout.splitlines()[0] == members.stdout.splitlines()[0]
    unknown = consul("kv", "get", f"tests/{uuid.uuid4()}")
    assert (unknown.returncode, unknown.stdout) == (1, "")
    assert unknown.stderr.startswith("Error! No key exists at: tests/")


def test_consul_reads_its_standard_input(fleet: Fleet) -> None:
    key, value = f"tests/{uuid.uuid4()}", "first line\nlast without an end"
    try:
        assert consul("kv", "put", key, "-", stdin=value).returncode == 0
        assert consul("kv", "get", key).stdout == f"{value}\n"
    finally:
        assert consul("kv", "delete", key).returncode == 0


def test_acls_need_the_management_token(fleet: Fleet) -> None:
    refused = consul("acl", "token", "list", "-format=json")
    assert refused.returncode == 1
    assert "lacks permission 'acl:read'" in refused.stderr
    listed = consul("acl", "token", "list", "-format=json", options=("--management",))
    assert fleet.secrets().tokens.accessor("operator") in {one["AccessorID"] for one in json.loads(listed.stdout)}


def processes(fleet: Fleet, host: str) -> str:
    """Give the arguments and environments of everything that runs on a host, and of this machine."""
    look = "cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n'"
    here = subprocess.run(["sh", "-c", look], capture_output=True, check=False).stdout.decode(errors="replace")
    return here + fleet.on(host, look, check=False)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_token_is_hidden_and_ctrl_c_goes_to_consul(fleet: Fleet, number: signal.Signals) -> None:
    token = fleet.secrets().tokens.secret("operator")
    looking = "pgrep -xf 'consul monitor -log-json'"
    with running("consul", LAB, "--", "monitor", "-log-json") as process:
        wait_for("consul on the first server", lambda: fleet.on("consul1", looking, check=False))
        seen = processes(fleet, "consul1")
        assert "CONSUL_HTTP_TOKEN_FILE=/dev/fd/3" in seen
        visible = token in seen  # a failed assertion would show it
        assert not visible
        process.send_signal(number)
        assert process.wait(20) == 0
    assert fleet.on("consul1", looking, check=False) == ""


def status(url: str, token: str = "") -> int:
    request = urllib.request.Request(url, headers={"X-Consul-Token": token} if token else {})
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        return refused.code


def said(stream: IO[str], lines: int) -> str:
    return "".join(stream.readline() for _ in range(lines))


def test_the_ui_is_open_until_ctrl_c(fleet: Fleet) -> None:
    with running("ui", LAB) as process:
        assert process.stdout is not None
        text = said(process.stdout, 3)
        url = re.search(r"http://127\.0\.0\.1:\d+", text)
        file = re.search(r"/\S+/operator\.token", text)
        assert url, text
        assert file, text
        token = Path(file[0]).read_text().strip()
        printed = token in text
        assert not printed
        assert stat.S_IMODE(Path(file[0]).stat().st_mode) == 0o600
        assert status(f"{url[0]}/ui/") == 200
        assert status(f"{url[0]}/v1/acl/token/self") == 403
        assert status(f"{url[0]}/v1/acl/token/self", token) == 200
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
    assert not Path(file[0]).exists()
    with pytest.raises(urllib.error.URLError):
        status(f"{url[0]}/ui/")


@pytest.mark.parametrize("command", ["consul", "ui", "verify"])
def test_without_the_secrets_no_host_is_contacted(fleet: Fleet, tmp_path: Path, command: str) -> None:
    folder, away = PROJECT / ".secrets" / "lab", tmp_path / "away"
    # Outside the project: below .secrets/ it would be recognised by its fleet.
    shutil.move(folder, away)
    try:
        refused = rollcall(command, LAB, code=1)
        assert not folder.exists()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.move(away, folder)
    assert f"{folder} is missing" in refused
    assert "Traceback" not in refused
